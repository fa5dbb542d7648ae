using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Following;

/// <summary>What following tells a person.</summary>
internal sealed partial class FollowerLog(ILogger log)
{
    [LoggerMessage(Level = LogLevel.Information, Message = "{Videos} changed videos are up to date: {Written} vectors written, {Removed} removed")]
    public partial void Followed(long videos, long written, long removed);

    [LoggerMessage(Level = LogLevel.Information, Message = "All videos are compared with their vectors: {Videos} differ")]
    public partial void Swept(long videos);

    [LoggerMessage(Level = LogLevel.Warning, Message = "No triggers tell which videos change ({Reason}): all videos are compared with their vectors instead, every {Interval}")]
    public partial void NoTriggers(string reason, TimeSpan interval);

    [LoggerMessage(Level = LogLevel.Error, Message = "A video couldn't be embedded and is tried again later: {Reason}")]
    public partial void Failed(string reason);

    public void Warn(Release release, string warning) => Release(release.ModelVersion, warning);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Release {ModelVersion}: {Warning}")]
    private partial void Release(string modelVersion, string warning);
}
