using System.Diagnostics;
using System.Text.RegularExpressions;
using TwoTower.Testing;

namespace TwoTower.Web.Tests;

/// <summary>
/// <c>/docs</c> in Chromium, under its Content-Security-Policy; skipped where there is none. <c>CHROMIUM</c> names one that isn't at its
/// usual place.
/// </summary>
public sealed class DocsPageTests(PostgresFixture postgres, ITestOutputHelper output)
{
    private static readonly string Chromium =
        Environment.GetEnvironmentVariable("CHROMIUM") is { Length: > 0 } named ? named : "/usr/bin/chromium";

    [Fact]
    public async Task It_shows_the_operations_and_breaks_no_rule_of_its_policy()
    {
        Assert.SkipWhen(!File.Exists(Chromium), $"no Chromium at {Chromium}");
        await using var db = await postgres.CreateDatabaseAsync();
        await using var api = await ApiHost.StartAsync(db);

        var (page, console) = await ShowAsync(new Uri(api.Address, "/docs"));

        output.WriteLine(console);
        Assert.DoesNotContain("Content Security Policy", console, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Uncaught", console, StringComparison.Ordinal);

        // In what the server sent there is none of this: the script has read the document.
        foreach (var shown in new[] { "Videos for a user.", "/v1/users/{userId}/recommendations", "/v1/decisions" })
        {
            Assert.Contains(shown, Text(page), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_script_that_the_policy_forbids_is_seen()
    {
        Assert.SkipWhen(!File.Exists(Chromium), $"no Chromium at {Chromium}");
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "page.html");
        await File.WriteAllTextAsync(file, """
            <meta http-equiv="Content-Security-Policy" content="default-src 'none'"><script>document.title = 'ran'</script>
            """);

        var (page, console) = await ShowAsync(new Uri(file));

        Assert.DoesNotContain("<title>ran", page, StringComparison.Ordinal);
        Assert.Contains("Content Security Policy", console, StringComparison.OrdinalIgnoreCase);
    }

    // Paths in the page are cut by marks where they may break.
    private static string Text(string page) => Regex.Replace(page, "<[^>]*>", "");

    private static async Task<(string Page, string Console)> ShowAsync(Uri address)
    {
        using var profile = new TemporaryFolder();
        var start = new ProcessStartInfo(
            Chromium,
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--enable-logging=stderr",
                $"--user-data-dir={profile.Path}", "--window-size=1300,1000", "--virtual-time-budget=30000", "--dump-dom", address.AbsoluteUri,
            ])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var (page, console) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }

        return (await page, await console);
    }
}
