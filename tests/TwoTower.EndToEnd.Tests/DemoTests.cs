using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

public sealed class DemoTests(PostgresFixture postgres) : IAsyncLifetime
{
    private Workplace _workplace = null!;

    public async ValueTask InitializeAsync() => _workplace = await Workplace.CreateAsync(postgres);

    public async ValueTask DisposeAsync() => await _workplace.DisposeAsync();

    [Fact]
    public async Task It_shows_three_viewers_with_what_they_liked_and_get_and_the_second_run_reuses_data_and_release()
    {
        var first = await DemoAsync();

        var viewers = first.GetProperty("viewers").EnumerateArray().ToList();
        Assert.Equal(3, viewers.Select(viewer => viewer.GetProperty("user_id").GetGuid()).Distinct().Count());
        foreach (var viewer in viewers)
        {
            Assert.Equal("two_tower", viewer.GetProperty("strategy").GetString());
            Assert.NotEqual(0, viewer.GetProperty("liked").GetArrayLength());
            Assert.Equal(8, viewer.GetProperty("recommended").GetArrayLength());
            Assert.Empty(Titles(viewer, "liked").Intersect(Titles(viewer, "recommended")));
        }

        var version = first.GetProperty("model_version").GetString()!;
        await _workplace.RunAsync("manifest", "verify", _workplace.PathOf(Path.Combine("artifacts", version)));

        var second = await _workplace.RunAsync(Demo());
        Assert.Contains("data: ", second.Out);
        Assert.Contains(", reused", second.Out);
        Assert.Contains(version, second.Out);
        Assert.DoesNotContain("training", second.Out);
        Assert.Equal(1, await _workplace.Database.ScalarAsync<long>("select count(*) from two_tower.releases"));
    }

    [Fact]
    public async Task Another_recipe_trains_another_release_on_the_data_that_is_there()
    {
        await DemoAsync();
        await _workplace.RunAsync([.. Demo(), "--set", "model.embedding_dim=64"]);

        Assert.Equal(
            [64, 131], await _workplace.Database.ListAsync<int>("select embedding_dim from two_tower.releases order by embedding_dim"));
        Assert.Equal(64, await _workplace.Database.ScalarAsync<int>("select embedding_dim from two_tower.releases where state = 'active'"));
    }

    [Fact]
    public async Task Killed_while_it_loads_or_trains_the_next_run_goes_on()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill(2)");
        foreach (var moment in new[] { "data: ", "linear model: " })
        {
            await using var demo = _workplace.Start(Demo());
            await demo.LineAsync(line => line.StartsWith(moment, StringComparison.Ordinal));
            demo.Kill();
            await demo.ExitAsync();
        }

        await _workplace.RunAsync(Demo());

        Assert.Equal("active", await _workplace.Database.ScalarAsync<string>("select state from two_tower.releases"));
        Assert.Equal(1644, await _workplace.Database.ScalarAsync<long>("select count(*) from user_video_decisions"));
    }

    [Fact]
    public async Task Without_exit_it_goes_on_serving_until_ctrl_c()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill(2)");
        await using var demo = _workplace.Start([.. Demo().Where(argument => argument != "--exit")]);
        var api = (await demo.LineAsync(line => line.StartsWith("API ", StringComparison.Ordinal)))[4..].Trim();
        await demo.LineAsync(line => line.StartsWith("serving", StringComparison.Ordinal));

        using var client = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"{api}health/ready")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync($"{api}docs")).StatusCode);
        Assert.Contains("/v1/decisions", await client.GetStringAsync($"{api}openapi/v1.json"));

        demo.Interrupt();
        var result = await demo.ExitAsync();
        Assert.Equal(130, result.ExitCode);
        Assert.StartsWith("stopped: ", Assert.Single(result.ErrorLines));
    }

    [Fact]
    public async Task A_port_in_use_is_one_line_before_any_work()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;

        foreach (var verb in new[] { "demo", "serve" })
        {
            var result = await _workplace.TryAsync(verb, "--port", $"{port}");

            Assert.Equal(2, result.ExitCode);
            var line = Assert.Single(result.ErrorLines);
            Assert.Contains($"port {port}", line);
            Assert.Contains("--port", line);
            Assert.Empty(result.Out);
        }
    }

    [Fact]
    public async Task A_database_that_was_given_is_neither_dropped_nor_mixed_with_other_data()
    {
        await _workplace.GenerateAsync(20, 20);

        var fresh = await _workplace.TryAsync([.. Demo(), "--fresh"]);
        var mixed = await _workplace.TryAsync(Demo());

        Assert.Equal((2, 2), (fresh.ExitCode, mixed.ExitCode));
        Assert.Contains("--fresh", Assert.Single(fresh.ErrorLines));
        Assert.Contains("other data", Assert.Single(mixed.ErrorLines));
        Assert.Equal(20, await _workplace.Database.ScalarAsync<long>("select count(*) from profiles"));
    }

    internal static string[] Demo() => ["demo", "--data", Golden.Folder, "--epochs", "2", "--exit", "--port", $"{FreePort.Next()}"];

    private Task<JsonElement> DemoAsync() => _workplace.JsonAsync(Demo());

    private static IEnumerable<string?> Titles(JsonElement viewer, string list) =>
        viewer.GetProperty(list).EnumerateArray().Select(video => video.GetProperty("title").GetString());
}
