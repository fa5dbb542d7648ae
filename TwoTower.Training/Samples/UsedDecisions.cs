using TwoTower.Core.Quality;
using TwoTower.Core.Rows;

namespace TwoTower.Training.Samples;

/// <summary>How many of the decisions that were read a training uses, and why not the others.</summary>
internal static class UsedDecisions
{
    /// <summary>Says it.</summary>
    /// <param name="read">What was read.</param>
    /// <param name="left">What is left of it without held-out users and all but the latest decisions of a user.</param>
    /// <param name="heldOut">Share of the users that are held out (recipe key <c>samples.held_out_users</c>).</param>
    /// <param name="say">Told the line.</param>
    public static void Tell(TableSet read, TableSet left, double heldOut, Action<string>? say)
    {
        if (say is null || read.Decisions.Count == 0) return;
        var users = read.Profiles.Select(profile => profile.UserId).ToDictionary(user => user, user => HeldOutUsers.Contains(user, heldOut));
        var videos = read.Videos.Select(video => video.Id).ToHashSet();
        var (noVideo, noUser, ofHeldOut) = (0, 0, 0);
        Guid? video = null, user = null;
        foreach (var decision in read.Decisions)
        {
            if (!videos.Contains(decision.VideoId))
            {
                noVideo++;
                video ??= decision.VideoId;
            }
            else if (!users.TryGetValue(decision.UserId, out var isOut))
            {
                noUser++;
                user ??= decision.UserId;
            }
            else if (isOut)
            {
                ofHeldOut++;
            }
        }

        var used = left.Decisions.Count(decision => videos.Contains(decision.VideoId) && users.ContainsKey(decision.UserId));
        var beyond = read.Decisions.Count - noVideo - noUser - ofHeldOut - used;
        var reasons = new List<string>();
        if (noVideo > 0) reasons.Add($"{noVideo:N0} name a video that isn't there (the first: {video})");
        if (noUser > 0) reasons.Add($"{noUser:N0} are of a user without a profile (the first: {user})");
        if (ofHeldOut > 0) reasons.Add($"{ofHeldOut:N0} are of users who are kept out of every training (samples.held_out_users)");
        if (beyond > 0) reasons.Add($"{beyond:N0} are before the latest ones of their user that count (features.max_decisions)");
        say($"{used:N0} of {read.Decisions.Count:N0} decisions are used{(reasons.Count > 0 ? $": {string.Join(", ", reasons)}" : "")}");
    }
}
