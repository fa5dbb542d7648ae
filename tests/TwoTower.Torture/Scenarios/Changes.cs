using System.Net.Http.Json;
using System.Text.Json;
using TwoTower.Postgres.Releases;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Scenarios;

/// <summary>The operator of <see cref="ChangingReleases"/>: changes and restarts, spread evenly over the requests.</summary>
internal sealed class Changes(Replicas replicas, IReadOnlyList<Release> releases, TortureOptions options)
{
    private readonly Random _random = new(options.Seed);
    private readonly List<string> _versions = [.. releases.Select(release => release.ModelVersion)];

    public Timeline Timeline { get; } = new(releases[0].ModelVersion);

    public int Done { get; private set; }

    public int Restarted { get; private set; }

    /// <summary>The release that was retired under way, its vectors dropped.</summary>
    public string? Retired { get; private set; }

    /// <summary>Makes all of them; the k-th of n when k/(n+1) of the requests are answered.</summary>
    public async Task RunAsync(Func<int> answered, Action<int> changed, CancellationToken ct)
    {
        var restarting = RestartAsync(answered, ct);
        while (Done < options.Changes)
        {
            await UntilAsync(answered, (Done + 1L) * options.Requests / (options.Changes + 1), ct);

            // Half-way the release that has just been left goes for good: requests that began with it are still running.
            if (Done == options.Changes / 2 && _versions.Count > 3)
            {
                var left = Timeline.Now;
                await ActivateAsync(_versions.First(version => version != left), ct);
                await PostAsync($"/v1/releases/{left}/retire", ct);
                _versions.Remove(left);
                Retired = left;
            }
            // from a release whose predecessor has just gone there may be no way back
            else if (Done % 2 == 1 && Done - 1 != options.Changes / 2)
            {
                await Timeline.ChangeAsync(() => PostAsync("/v1/releases/rollback", ct));
            }
            else
            {
                var others = _versions.Where(version => version != Timeline.Now).ToList();
                await ActivateAsync(others[_random.Next(others.Count)], ct);
            }

            changed(++Done);
        }

        await restarting;
    }

    private async Task RestartAsync(Func<int> answered, CancellationToken ct)
    {
        while (Restarted < options.Restarts)
        {
            await UntilAsync(answered, (Restarted + 1L) * options.Requests / (options.Restarts + 1), ct);
            await replicas.ReplaceAsync(Restarted % replicas.Count, ct);
            Restarted++;
        }
    }

    private Task ActivateAsync(string version, CancellationToken ct) =>
        Timeline.ChangeAsync(() => PostAsync($"/v1/releases/{version}/activate", ct));

    private async Task<string> PostAsync(string path, CancellationToken ct)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(new { reason = "torture" }) };
        request.Headers.Authorization = new("Bearer", Replica.OperatorKey);
        using var answer = await replicas.Next().Client.SendAsync(request, ct);
        var text = await answer.Content.ReadAsStringAsync(ct);
        return answer.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement.GetProperty("modelVersion").GetString()!
            : throw new InvalidOperationException($"POST {path} was answered with {(int)answer.StatusCode}: {text}");
    }

    private static async Task UntilAsync(Func<int> answered, long count, CancellationToken ct)
    {
        while (answered() < count) await Task.Delay(5, ct);
    }
}
