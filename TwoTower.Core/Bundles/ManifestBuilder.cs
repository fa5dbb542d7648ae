using System.Security.Cryptography;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Formats;

namespace TwoTower.Core.Bundles;

/// <summary>Makes the manifest of a folder of artifacts, and holds a folder to its manifest.</summary>
internal static class ManifestBuilder
{
    /// <summary>Hashes every file of a folder (temporary and hidden ones aside) and writes manifest.json beside them.</summary>
    /// <param name="directory">A folder with the files of a model; model_meta.json must be there.</param>
    /// <param name="modelVersion">Name of the model.</param>
    /// <param name="generatedAt">Goes into the manifest.</param>
    /// <param name="commitSha">Source commit, if known.</param>
    /// <exception cref="InputException">The folder isn't there, has no model_meta.json, or holds folders.</exception>
    public static Manifest Build(string directory, string modelVersion, DateTimeOffset generatedAt, string? commitSha = null)
    {
        Require(directory);
        if (Directory.EnumerateDirectories(directory).FirstOrDefault() is { } folder)
        {
            throw new InputException($"{directory} holds the folder {Path.GetFileName(folder)}; a bundle is plain files only. Move it elsewhere.");
        }

        var files = Directory.EnumerateFiles(directory)
            .Select(path => Path.GetFileName(path))
            .Where(name => name != ArtifactNames.Manifest && !name.StartsWith('.') && !name.EndsWith(".tmp", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(name => Hash(directory, name))
            .ToList();
        var metaPath = Path.Combine(directory, ArtifactNames.ModelMeta);
        if (!File.Exists(metaPath)) throw new InputException($"{directory} has no {ArtifactNames.ModelMeta}: it isn't a folder of a model's artifacts.");
        var meta = BundleJson.Read<System.Text.Json.JsonElement>(File.ReadAllBytes(metaPath), ArtifactNames.ModelMeta);
        var manifest = new Manifest(modelVersion, generatedAt, files, commitSha, meta);
        var json = manifest.ToJson();
        Manifest.Parse(json, ArtifactNames.Manifest); // what a reader would refuse isn't written
        AtomicFile.Write(Path.Combine(directory, ArtifactNames.Manifest), stream => stream.Write(json));
        return manifest;
    }

    /// <summary>Reads a folder's manifest and checks that every file is there with its size and hash.</summary>
    /// <exception cref="InputException">No manifest, or what is wrong with which file, all of them named.</exception>
    public static Manifest Verify(string directory)
    {
        Require(directory);
        var manifest = Read(directory);
        var wrong = manifest.Files.Select(file => Fault(directory, file)).OfType<string>().ToList();
        return wrong.Count == 0
            ? manifest
            : throw new InputException($"{directory} isn't what its manifest says: {string.Join("; ", wrong)}. Copy it again from where it came.");
    }

    /// <summary>Reads a folder's manifest without looking at the files.</summary>
    internal static Manifest Read(string directory)
    {
        var path = Path.Combine(directory, ArtifactNames.Manifest);
        return File.Exists(path)
            ? Manifest.Parse(File.ReadAllBytes(path), path)
            : throw new InputException($"{directory} has no {ArtifactNames.Manifest}: 'twotower manifest build' makes one for a folder that you trust.");
    }

    private static string? Fault(string directory, ManifestFile listed)
    {
        var path = Path.Combine(directory, listed.Path);
        if (!File.Exists(path)) return $"{listed.Path} is missing";
        var size = new FileInfo(path).Length;
        if (size != listed.Size) return $"{listed.Path} has {size} bytes, not {listed.Size}";
        var hash = Hash(directory, listed.Path).Sha256;
        return hash.Equals(listed.Sha256, StringComparison.OrdinalIgnoreCase) ? null : $"{listed.Path} has SHA-256 {hash}, not {listed.Sha256}";
    }

    private static ManifestFile Hash(string directory, string name)
    {
        using var stream = new FileStream(Path.Combine(directory, name), FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16);
        return new(name, Convert.ToHexStringLower(SHA256.HashData(stream)), stream.Length);
    }

    private static void Require(string directory)
    {
        if (!Directory.Exists(directory)) throw new InputException($"There is no folder {directory}.");
    }
}
