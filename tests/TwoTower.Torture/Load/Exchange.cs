namespace TwoTower.Torture.Load;

/// <summary>A request and what came of it.</summary>
/// <param name="Viewer">Whom it was for.</param>
/// <param name="Asked">When, in ticks of Stopwatch.</param>
/// <param name="Answered">When the whole answer was there.</param>
/// <param name="Status">Status code; 0: no answer.</param>
/// <param name="Body">The answer, or why there was none.</param>
/// <param name="IsProblem">True for application/problem+json with Retry-After.</param>
internal sealed record Exchange(Guid Viewer, long Asked, long Answered, int Status, byte[] Body, bool IsProblem)
{
    public string Text => System.Text.Encoding.UTF8.GetString(Body);
}
