using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace TwoTower.Core.Artifacts;

/// <summary><c>manifest.json</c>: what a bundle is and the hash of each of its files. Keys of other programs are ignored.</summary>
/// <param name="ModelVersion">Name of the model.</param>
/// <param name="GeneratedAt">When the bundle was written, UTC.</param>
/// <param name="Files">All files but the manifest, sorted by path.</param>
/// <param name="CommitSha">Source commit of the program that wrote it, if known.</param>
/// <param name="ModelMeta">A copy of model_meta.json.</param>
public sealed partial record Manifest(
    [property: JsonPropertyOrder(0)] string ModelVersion,
    [property: JsonPropertyOrder(1)] DateTimeOffset GeneratedAt,
    [property: JsonPropertyOrder(3)] IReadOnlyList<ManifestFile> Files,
    [property: JsonPropertyOrder(2)] string? CommitSha = null,
    [property: JsonPropertyOrder(4)] JsonElement? ModelMeta = null)
{
    /// <summary>Reads a manifest and checks that it can be trusted with a folder: a usable version, names without folders, real hashes, no
    /// repeats.</summary>
    /// <exception cref="InputException">It isn't such a file; says which entry.</exception>
    public static Manifest Parse(ReadOnlySpan<byte> json, string source)
    {
        var manifest = BundleJson.Read<Manifest>(json, source);
        if (!Version().IsMatch(manifest.ModelVersion))
        {
            throw new InputException($"{source}: the model_version '{manifest.ModelVersion}' isn't 1 to 128 characters without spaces and slashes.");
        }

        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var file in manifest.Files)
        {
            // Also keeps "../x", "/etc/x", "C:x" and device names with streams out: a path is a name and nothing else.
            if (!IsPlainName(file.Path) || file.Path == ArtifactNames.Manifest)
            {
                throw new InputException($"{source}: the path '{file.Path}' isn't a plain file name of letters, digits, '.', '_' and '-'.");
            }

            if (!Hash().IsMatch(file.Sha256) || file.Size < 0)
            {
                throw new InputException($"{source}: {file.Path} must have a sha256 of 64 hex digits and a size.");
            }

            if (!seen.Add(file.Path)) throw new InputException($"{source} lists {file.Path} twice.");
        }

        return manifest;
    }

    /// <summary>True for a name that a file of a bundle may have: it stays in its folder on every system.</summary>
    public static bool IsPlainName(string name) => SafeName().IsMatch(name);

    /// <summary>The file's bytes.</summary>
    public byte[] ToJson() => BundleJson.Write(this);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\z")]
    private static partial Regex SafeName();

    // As the registry has it.
    [GeneratedRegex(@"^[^\s\p{Cc}/\\]{1,128}\z")]
    private static partial Regex Version();

    [GeneratedRegex(@"^[0-9a-fA-F]{64}\z")]
    private static partial Regex Hash();
}

/// <summary>A file of a bundle.</summary>
/// <param name="Path">Its name, no folders.</param>
/// <param name="Sha256">SHA-256 of its content, hex.</param>
public sealed record ManifestFile(string Path, string Sha256, long Size);
