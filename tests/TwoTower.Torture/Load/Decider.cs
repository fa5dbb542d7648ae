using System.Collections.Concurrent;
using System.Net.Http.Json;
using Npgsql;
using TwoTower.Torture.Servers;

namespace TwoTower.Torture.Load;

/// <summary>
/// Viewers who decide, as a careful client sends it: with the time of the decision, and again, to the next replica, until somebody
/// acknowledges it. What was acknowledged must be in the table. They are nobody of the world: whom the oracle asks about has decided
/// nothing new.
/// </summary>
internal sealed class Decider(Replicas replicas, World world, int seed)
{
    private readonly ConcurrentQueue<(Guid User, Guid Video, string Type, DateTimeOffset At)> _acknowledged = [];

    public int Acknowledged => _acknowledged.Count;

    /// <summary>Requests that had to be sent again.</summary>
    public int Repeated { get; private set; }

    public async Task RunAsync(Findings findings, CancellationToken stop)
    {
        var random = new Random(seed);
        var start = DateTimeOffset.FromUnixTimeSeconds(TimeProvider.System.GetUtcNow().ToUnixTimeSeconds()).AddDays(-1);
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            // A time of its own for each, so that none is another's repetition.
            var decision = (
                User: new Guid(random.Next(100), 0, 0, new byte[8]), Video: world.Tables.Videos[random.Next(world.Tables.Videos.Count)].Id,
                Type: random.Next(2) == 0 ? "like" : "nope", At: start.AddMilliseconds(i));
            while (!await SendAsync(decision, findings))
            {
                if (stop.IsCancellationRequested) return;
                Repeated++;
                await Task.Delay(50, CancellationToken.None);
            }

            await Task.Delay(20, CancellationToken.None);
        }
    }

    /// <summary>How many of the acknowledged decisions aren't there.</summary>
    public async Task<long> LostAsync(CancellationToken ct)
    {
        var all = _acknowledged.ToList();
        await using var command = world.Db.CreateCommand(
            """
            select count(*)
            from unnest($1, $2, $3, $4) as a (user_id, video_id, decision_type, created_at)
            left join public.user_video_decisions d using (user_id, video_id, decision_type, created_at)
            where d.user_id is null
            """);
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. all.Select(decision => decision.User)] });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [.. all.Select(decision => decision.Video)] });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. all.Select(decision => decision.Type)] });
        command.Parameters.Add(new NpgsqlParameter<DateTimeOffset[]> { TypedValue = [.. all.Select(decision => decision.At)] });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task<bool> SendAsync((Guid User, Guid Video, string Type, DateTimeOffset At) decision, Findings findings)
    {
        try
        {
            using var answer = await replicas.Next().Client.PostAsJsonAsync(
                "/v1/decisions", new { userId = decision.User, videoId = decision.Video, decision = decision.Type, decidedAt = decision.At });
            if ((int)answer.StatusCode is 200 or 201)
            {
                _acknowledged.Enqueue(decision);
                return true;
            }

            findings.AddIf((int)answer.StatusCode != 503, $"a decision was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
            return false;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException)
        {
            // Its replica was killed: whether the decision is there, nobody knows, so it is sent again.
            return false;
        }
    }
}
