namespace TwoTower.Postgres.Experiments.Comparison;

/// <summary>What became of what one user was recommended by one release (<c>two_tower.release_outcomes</c>).</summary>
/// <param name="Recommendations">Videos shown, repeats counted.</param>
/// <param name="Answers">Answers that they came in, empty ones included.</param>
/// <param name="Empty">Answers without a video.</param>
/// <param name="Likes">Recommendations that were liked within the time that counts.</param>
/// <param name="Nopes">Those that weren't wanted.</param>
/// <param name="ShownTo">For each distinct video shown, how many users of the group were shown it, this one included.</param>
internal sealed record UserOutcome(Guid UserId, long Recommendations, long Answers, long Empty, long Likes, long Nopes, int[] ShownTo);
