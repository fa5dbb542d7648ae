using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TwoTower.Core.Formats;

namespace TwoTower.Supabase.Uploads;

/// <summary>How far an upload is.</summary>
/// <param name="Since">When it began, by the clock that changes of vectors are dated by.</param>
/// <param name="Stamp">What its rows have as <c>updated_at</c>.</param>
/// <param name="Done">Vectors through.</param>
/// <param name="After">The last of them.</param>
internal sealed record UploadState(DateTimeOffset Since, DateTimeOffset Stamp, long Done, Guid? After);

/// <summary>Remembers how far an upload is, so that one that was interrupted goes on.</summary>
/// <param name="home">The state folder.</param>
/// <param name="what">What goes where.</param>
internal sealed class UploadJournal(string home, string what)
{
    private readonly string _path = Path.Combine(
        home, "supabase", $"upload-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(what)))[..16]}.json");

    /// <summary>Null: it begins.</summary>
    public UploadState? Read()
    {
        try
        {
            return File.Exists(_path) ? JsonSerializer.Deserialize<UploadState>(File.ReadAllBytes(_path), SnakeCaseJson.Checked) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Records that a batch is through.</summary>
    public void Write(UploadState state) =>
        AtomicFile.Write(_path, stream => JsonSerializer.Serialize(stream, state, SnakeCaseJson.Checked));

    /// <summary>It is at its end.</summary>
    public void Delete() => File.Delete(_path);
}
