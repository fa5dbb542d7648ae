using Npgsql;
using TwoTower.Postgres.Connections;

namespace TwoTower.Embedding.Following;

/// <summary>The triggers that tell which videos change: put in place where that is wanted and allowed.</summary>
internal static class ChangeTriggers
{
    /// <summary>Puts them in place, or takes them away.</summary>
    /// <param name="wanted">False takes them away. The database's own setting two_tower.change_triggers = 'off' wins over true.</param>
    /// <returns>Why they aren't in place; null: they are.</returns>
    public static async Task<string?> FollowAsync(NpgsqlDataSource db, bool wanted, CancellationToken ct)
    {
        return await db.InTransactionAsync(async connection =>
        {
            if (!wanted) await connection.Sql("set local two_tower.change_triggers = 'off'").ExecuteAsync(ct);
            return await connection.Sql("select two_tower.follow_videos()").ScalarAsync<string>(ct);
        }, ct);
    }
}
