using TwoTower.Core.Rows;

namespace TwoTower.Training.Samples;

/// <summary>How many of the decisions that were read a training can use, and why not the others.</summary>
internal static class UsedDecisions
{
    /// <summary>Says it, where not all can be used.</summary>
    public static void Tell(TableSet tables, Action<string>? say)
    {
        if (say is null || tables.Decisions.Count == 0) return;
        var users = tables.Profiles.Select(profile => profile.UserId).ToHashSet();
        var videos = tables.Videos.Select(video => video.Id).ToHashSet();
        var (noVideo, noUser) = (0, 0);
        Guid? video = null, user = null;
        foreach (var decision in tables.Decisions)
        {
            if (!videos.Contains(decision.VideoId))
            {
                noVideo++;
                video ??= decision.VideoId;
            }
            else if (!users.Contains(decision.UserId))
            {
                noUser++;
                user ??= decision.UserId;
            }
        }

        if (noVideo + noUser == 0) return;
        var reasons = new List<string>();
        if (noVideo > 0) reasons.Add($"{noVideo:N0} name a video that isn't there (the first: {video})");
        if (noUser > 0) reasons.Add($"{noUser:N0} are of a user without a profile (the first: {user})");
        say($"{tables.Decisions.Count - noVideo - noUser:N0} of {tables.Decisions.Count:N0} decisions can be used: {string.Join(", ", reasons)}");
    }
}
