using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace TwoTower.Core.Artifacts;

/// <summary>The name of a release that was trained here.</summary>
internal static class ModelVersion
{
    /// <summary>
    /// <c>recipe-yyyyMMddTHHmmssZ-hash</c>: the time is the export's (so that registering the same files twice names the same
    /// release), the hash is over the files without the dated one: equal hashes are equal models.
    /// </summary>
    public static string Of(string recipe, DateTimeOffset exportedAt, IEnumerable<ReleaseFile> files) =>
        string.Create(CultureInfo.InvariantCulture, $"{recipe}-{exportedAt.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{ContentHash(files)[..8]}");

    /// <summary>SHA-256 over "hash  path" lines of all files but model_meta.json, which holds the date of the export.</summary>
    public static string ContentHash(IEnumerable<ReleaseFile> files) => ContentHash(files.Select(file => (file.Path, file.Sha256)));

    /// <summary>The same, of files that are known by their hashes.</summary>
    public static string ContentHash(IEnumerable<(string Path, string Sha256)> files)
    {
        var lines = files.Where(file => file.Path is not ArtifactNames.ModelMeta)
            .OrderBy(file => file.Path, StringComparer.Ordinal)
            .Select(file => $"{file.Sha256}  {file.Path}\n");
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines))));
    }
}
