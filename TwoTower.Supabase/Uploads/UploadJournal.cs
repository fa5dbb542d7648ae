using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TwoTower.Core.Formats;

namespace TwoTower.Supabase.Uploads;

/// <summary>How far an upload is, and of what.</summary>
/// <param name="Version">Whose vectors.</param>
/// <param name="Identity">Which of that version (<see cref="VectorSource.Identity"/>).</param>
/// <param name="Dim">Length of a vector of the source.</param>
/// <param name="Length">Length of a vector as it is sent.</param>
/// <param name="Since">When it began, by the clock that changes of vectors are dated by.</param>
/// <param name="Stamp">What its rows are sent with as <c>updated_at</c>.</param>
/// <param name="Done">Vectors through.</param>
/// <param name="After">The last of them.</param>
/// <param name="Rows">Different rows that the table took.</param>
/// <param name="Times">What the table has as their <c>updated_at</c>.</param>
internal sealed record UploadState(
    string Version, string Identity, int Dim, int Length, DateTimeOffset Since, DateTimeOffset Stamp, long Done, Guid? After, long Rows,
    WrittenTimes Times)
{
    /// <summary>Whether it is of the same vectors, sent at the same length.</summary>
    public bool IsOf(VectorSource source, int length) =>
        (Version, Identity, Dim, Length) == (source.ModelVersion, source.Identity, source.Dim, length);
}

/// <summary>
/// The times of an upload's rows, as the server gave them back. A trigger may date rows by the server's clock, so what was sent says
/// nothing.
/// </summary>
/// <param name="Oldest">The earliest, in the server's words; null before the first.</param>
/// <param name="Newest">The latest.</param>
/// <param name="IsWhole">False once a row came back without a time, or not at all.</param>
internal sealed record WrittenTimes(string? Oldest, string? Newest, bool IsWhole)
{
    public static readonly WrittenTimes None = new(null, null, true);

    /// <summary>Adds a row's time.</summary>
    public WrittenTimes With(string? text) => !InstantText.TryParse(text, out var time)
        ? this with { IsWhole = false }
        : this with
        {
            Oldest = InstantText.TryParse(Oldest, out var oldest) && oldest <= time ? Oldest : text,
            Newest = InstantText.TryParse(Newest, out var newest) && newest >= time ? Newest : text,
        };
}

/// <summary>
/// Remembers how far an upload into a table is, so that one that was interrupted goes on. A table has one journal: whatever is uploaded
/// into it next replaces what an earlier upload left.
/// </summary>
/// <param name="home">The state folder.</param>
/// <param name="project">The project's name.</param>
internal sealed class UploadJournal(string home, string project, string table)
{
    private readonly string _path = Path.Combine(
        home, "supabase", $"upload-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{project}\n{table}")))[..16]}.json");

    /// <summary>The upload that was interrupted; null: there is none, or none that can be read.</summary>
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

    /// <summary>Records that an upload begins, or that a batch is through.</summary>
    public void Write(UploadState state) =>
        AtomicFile.Write(_path, stream => JsonSerializer.Serialize(stream, state, SnakeCaseJson.Checked));

    /// <summary>It is at its end.</summary>
    public void Delete() => File.Delete(_path);
}
