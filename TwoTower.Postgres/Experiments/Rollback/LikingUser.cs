namespace TwoTower.Postgres.Experiments.Rollback;

/// <summary>How one user liked the first answer of one release (<c>two_tower.rollback_likes</c>).</summary>
/// <param name="Weight">0..1, by the user's age at the activation.</param>
/// <param name="Liked">Likes per recommendation, 0..1, those within <see cref="RollbackOptions.DecisionWithin"/>.</param>
/// <param name="Recommendations">Videos of the answer that count.</param>
internal sealed record LikingUser(Guid UserId, double Weight, double Liked, long Recommendations);
