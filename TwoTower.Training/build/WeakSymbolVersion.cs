using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Marks one version that an ELF library needs as weak (VER_FLG_WEAK in the version-needs table), so that the loader accepts a machine
/// whose library lacks it. Compiled by MSBuild itself, see LibTorch.targets for the why.
/// </summary>
public class WeakSymbolVersion : Task
{
    private const uint VersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const ushort Weak = 2;                // VER_FLG_WEAK

    /// <summary>Files to mark; the ones that don't need the version are left alone.</summary>
    [Required]
    public ITaskItem[] Files { get; set; }

    /// <summary>The version, such as GLIBCXX_3.4.32.</summary>
    [Required]
    public string Version { get; set; }

    /// <summary>Where this machine may keep the library that has (or lacks) the version; the first that exists decides.</summary>
    [Required]
    public ITaskItem[] Providers { get; set; }

    /// <inheritdoc />
    public override bool Execute()
    {
        foreach (var provider in Providers)
        {
            if (!File.Exists(provider.ItemSpec)) continue;
            if (Contains(File.ReadAllBytes(provider.ItemSpec), Version)) return true; // the machine has it: nothing to do
            break;
        }

        foreach (var item in Files)
        {
            var path = item.ItemSpec;
            var bytes = File.ReadAllBytes(path);
            if (!Mark(bytes)) continue;

            // The output may be a hard link into the package cache: never write into it, put a new file in its place. The old time stays,
            // so that the next build's copy step finds size and time unchanged and leaves the file alone.
            var temporary = path + "." + Guid.NewGuid().ToString("N") + ".tmp";
            File.WriteAllBytes(temporary, bytes);
            File.SetLastWriteTimeUtc(temporary, File.GetLastWriteTimeUtc(path));
            File.Delete(path);
            File.Move(temporary, path);
            Log.LogMessage(MessageImportance.Normal, "{0}: {1} is now weak, this machine's C++ library is older.", path, Version);
        }

        return true;
    }

    // True when the table has the version and it wasn't weak before. Anything that isn't a 64-bit little-endian ELF file is left alone.
    private bool Mark(byte[] elf)
    {
        if (elf.Length < 64 || elf[0] != 0x7f || elf[1] != 'E' || elf[2] != 'L' || elf[3] != 'F' || elf[4] != 2
            || elf[5] != 1) return false;
        var sections = (long)BitConverter.ToUInt64(elf, 0x28);
        int sectionSize = BitConverter.ToUInt16(elf, 0x3a), sectionCount = BitConverter.ToUInt16(elf, 0x3c);
        for (var s = 0; s < sectionCount; s++)
        {
            var header = (int)(sections + (long)s * sectionSize);
            if (BitConverter.ToUInt32(elf, header + 4) != VersionNeeds) continue;
            var table = (int)BitConverter.ToUInt64(elf, header + 0x18);
            var strings =
                (int)BitConverter.ToUInt64(elf, (int)(sections + (long)BitConverter.ToUInt32(elf, header + 0x28) * sectionSize) + 0x18);
            for (int need = table, more = 1; more != 0; need += more)
            {
                more = (int)BitConverter.ToUInt32(elf, need + 12);
                var entry = need + (int)BitConverter.ToUInt32(elf, need + 8);
                for (int left = BitConverter.ToUInt16(elf, need + 2); left > 0; left--)
                {
                    if (Name(elf, strings + (int)BitConverter.ToUInt32(elf, entry + 8)) == Version)
                    {
                        if ((elf[entry + 4] & Weak) != 0) return false;
                        elf[entry + 4] |= (byte)Weak;
                        return true;
                    }

                    entry += (int)BitConverter.ToUInt32(elf, entry + 12);
                }
            }
        }

        return false;
    }

    private static string Name(byte[] bytes, int start)
    {
        var end = Array.IndexOf(bytes, (byte)0, start);
        return Encoding.ASCII.GetString(bytes, start, end - start);
    }

    private static bool Contains(byte[] bytes, string text)
    {
        var wanted = Encoding.ASCII.GetBytes(text + "\0");
        for (var start = Array.IndexOf(bytes, wanted[0]); start >= 0
            && start <= bytes.Length - wanted.Length; start = Array.IndexOf(bytes, wanted[0], start + 1))
        {
            var i = 1;
            while (i < wanted.Length && bytes[start + i] == wanted[i]) i++;
            if (i == wanted.Length) return true;
        }

        return false;
    }
}
