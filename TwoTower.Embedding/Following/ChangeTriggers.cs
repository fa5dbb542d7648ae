using Npgsql;

namespace TwoTower.Embedding.Following;

/// <summary>The triggers that tell which videos change: put in place where that is wanted and allowed.</summary>
internal static class ChangeTriggers
{
    /// <summary>Puts them in place, or takes them away.</summary>
    /// <param name="wanted">False takes them away. The database's own setting two_tower.change_triggers = 'off' wins over true.</param>
    /// <returns>Why they aren't in place; null: they are.</returns>
    public static async Task<string?> FollowAsync(NpgsqlDataSource db, bool wanted, CancellationToken ct)
    {
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        if (!wanted)
        {
            await using var off = new NpgsqlCommand("set local two_tower.change_triggers = 'off'", connection);
            await off.ExecuteNonQueryAsync(ct);
        }

        await using var command = new NpgsqlCommand("select two_tower.follow_videos()", connection);
        var reason = await command.ExecuteScalarAsync(ct) as string;
        await transaction.CommitAsync(ct);
        return reason;
    }
}
