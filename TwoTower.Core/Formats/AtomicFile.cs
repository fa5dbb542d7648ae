namespace TwoTower.Core.Formats;

/// <summary>Writes a file so that a reader, a kill or a full disk sees the old file or the new one, never half of either.</summary>
internal static class AtomicFile
{
    /// <summary>
    /// Writes <paramref name="path"/> through a temporary file in the same folder, which is flushed to the disk before it takes the name.
    /// </summary>
    /// <exception cref="InputException">The file cannot be written (full disk, no permission); what was there is untouched.</exception>
    public static void Write(string path, Action<Stream> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        var target = Path.GetFullPath(path);
        var temporary = $"{target}.{Path.GetRandomFileName()}.tmp";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            RemoveAbandoned(target);
            using (var stream = new FileStream(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1 << 16))
            {
                write(stream);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, target, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Remove(temporary);
            var kept = File.Exists(target) ? "; the file that was there is kept" : "";
            throw new InputException($"{target} could not be written: {e.Message}{kept}. Free some space or choose another folder.", e);
        }
        catch
        {
            Remove(temporary);
            throw;
        }
    }

    // What a writer that was killed left behind. One that lives holds its file: opening it for oneself alone fails.
    private static void RemoveAbandoned(string target)
    {
        foreach (var temporary in Directory.EnumerateFiles(Path.GetDirectoryName(target)!, $"{Path.GetFileName(target)}.*.tmp"))
        {
            try
            {
                new FileStream(temporary, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose).Dispose();
            }
            catch (IOException) { }
            catch (UnauthorizedAccessException) { }
        }
    }

    private static void Remove(string temporary)
    {
        // The disk that refused the write may refuse this as well; the first error is the one to report.
        try { File.Delete(temporary); }
        catch (IOException) { }
        catch (UnauthorizedAccessException) { }
    }
}
