using System.Diagnostics;

namespace TwoTower.Torture.Scenarios;

/// <summary>Which release was active when; the moment of a change is known only to lie between its request and its answer.</summary>
internal sealed class Timeline
{
    private readonly List<(string Version, long From, long Until)> _spans = [];

    public Timeline(string first) => _spans.Add((first, long.MinValue, long.MaxValue));

    /// <summary>The release of the last change.</summary>
    public string Now => _spans[^1].Version;

    /// <summary>Makes a change and remembers when.</summary>
    /// <param name="change">Gives the release that is active now.</param>
    public async Task ChangeAsync(Func<Task<string>> change)
    {
        var asked = Stopwatch.GetTimestamp();
        var version = await change();
        _spans[^1] = _spans[^1] with { Until = Stopwatch.GetTimestamp() };
        _spans.Add((version, asked, long.MaxValue));
    }

    /// <summary>True when the release may have been active at some moment of a request.</summary>
    public bool WasActive(string version, long asked, long answered) =>
        _spans.Any(span => span.Version == version && span.From <= answered && span.Until >= asked);
}
