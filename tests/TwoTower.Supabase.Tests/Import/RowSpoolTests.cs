using TwoTower.Core;
using TwoTower.Supabase.Import;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Import;

/// <summary>Whose pages are gone on with, and who may read them.</summary>
public sealed class RowSpoolTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 1, 20, 0, 0, 0, TimeSpan.Zero);
    private readonly TemporaryFolder _home = new();

    public void Dispose() => _home.Dispose();

    [Theory]
    [InlineData("2026-01-13", 7, "2026-01-13", 7, true)]
    [InlineData("2026-01-13", 7, "2026-01-14", 7, true)]
    [InlineData("2026-01-13", 7, "2026-01-14", 6, false)]
    [InlineData("2026-01-13", 7, "2026-01-14", null, false)]
    [InlineData("2026-01-13", 7, "2026-01-13", null, true)]
    [InlineData("2026-01-13", null, "2026-01-14", 7, false)]
    [InlineData("2026-01-13", null, "2026-01-14", null, false)]
    [InlineData(null, null, null, null, true)]
    [InlineData(null, null, "2026-01-14", 7, false)]
    public void Pages_are_gone_on_with_where_the_same_was_asked_for(string? since, int? days, string? again, int? daysAgain, bool isResumed)
    {
        using (var first = Open(since, days))
        {
            first.Add("profiles", new Dictionary<string, byte[]> { ["profiles.jsonl"] = [1, 2, 3] }, new() { Rows = 1 });
        }

        using var second = Open(again, daysAgain);
        Assert.Equal((isResumed, isResumed ? since : again), (second.IsResumed, second.State.Since));
        Assert.Equal(isResumed, File.Exists(Path.Combine(second.Folder, "profiles.jsonl")));
    }

    [Fact]
    public void Another_import_that_runs_is_named()
    {
        using var first = Open(null, null);
        Assert.Contains("Another import of abc.supabase.co runs", Assert.Throws<InputException>(() => Open(null, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_that_takes_no_file_is_not_taken_for_an_import_that_runs()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "links need rights there");
        string folder;
        using (var first = Open(null, null)) folder = first.Folder;
        File.Delete(Path.Combine(folder, "lock"));
        File.CreateSymbolicLink(Path.Combine(folder, "lock"), Path.Combine(folder, "nowhere", "lock"));
        var error = Assert.Throws<InputException>(() => Open(null, null));
        Assert.Contains("can't be used", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Another import", error.Message, StringComparison.Ordinal);
    }

    private RowSpool Open(string? since, int? days) =>
        RowSpool.Open(_home.Path, "abc.supabase.co", since, days is { } ago ? TimeSpan.FromDays(ago) : null, Now);
}
