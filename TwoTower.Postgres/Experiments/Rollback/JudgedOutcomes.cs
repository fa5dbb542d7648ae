namespace TwoTower.Postgres.Experiments.Rollback;

/// <summary>What became of the requests that a release was to answer, as the rules see it: nobody is failed more often than once a
/// minute.</summary>
/// <param name="Requests">All of them: answers and failures.</param>
/// <param name="Answers">Answers that the release could give; an empty one counts once a user and minute.</param>
/// <param name="Empty">Users and minutes with an answer without a video, though the release to go back to has one that passes the filters.</param>
/// <param name="Failed">Users and minutes with a failure that was the release's.</param>
/// <param name="EmptyUsers">Users behind <paramref name="Empty"/>.</param>
/// <param name="FailedUsers">Users behind <paramref name="Failed"/>.</param>
internal readonly record struct JudgedOutcomes(
    long Requests, long Answers, long Empty, long Failed, long EmptyUsers = 0, long FailedUsers = 0);
