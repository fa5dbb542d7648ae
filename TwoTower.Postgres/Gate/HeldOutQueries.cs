using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Features;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Tables;

namespace TwoTower.Postgres.Gate;

/// <summary>Reads the questions of the held-out users, as their rows are now.</summary>
internal static class HeldOutQueries
{
    // Everybody's place is computed, of few users the rows are read: those with the lowest places, so that another day asks the same ones.
    private const string Sql =
        """
        with held as materialized (
            select u.user_id
            from (
                select d.user_id from public.user_video_decisions d where d.decision_type::text = 'like'
                group by d.user_id having count(*) >= @min_likes
            ) u
            cross join lateral (select two_tower.user_share(u.user_id, @salt) as place) s
            where s.place < @share
            order by s.place, u.user_id
            limit @max_users
        )
        select d.user_id, (select two_tower.plain_time(p.created_at) from public.profiles p where p.user_id = d.user_id) as user_created_at,
            d.video_id, d.decision_type::text = 'like' as is_like, d.created_at, v.id is not null as is_there,
            two_tower.plain_number(v.price::numeric)::float8 as price,
            array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null) as tags,
            array(
                select n.performer_name from two_tower.video_performer_names n
                where n.video_id = v.id and n.performer_name is not null) as performers
        from held h
        join public.user_video_decisions d on d.user_id = h.user_id
        left join public.videos v on v.id = d.video_id
        where d.decision_type::text in ('like', 'nope') and d.video_id is not null
            and d.created_at between '0001-01-01 00:00:00+00' and statement_timestamp() + interval '10 minutes'
        order by d.user_id
        """;

    /// <summary>The questions, ordered by user id.</summary>
    /// <param name="share">Share of the users that trainings leave out.</param>
    /// <param name="maxUsers">Users at most.</param>
    /// <exception cref="InputException">Row-level security hides rows.</exception>
    public static async Task<IReadOnlyList<HeldOutQuery>> ReadAsync(
        NpgsqlDataSource db, double share, int maxUsers, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(db);
        var queries = new List<HeldOutQuery>();
        (Guid Id, DateTimeOffset? CreatedAt)? user = null;
        var rows = new List<(HistoryEntry, bool)>();
        await using var connection = await db.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        await WholeTables.BeginAsync(connection, ct);
        var decisions = connection.Sql(Sql).WithTimeout(0) // the whole table of decisions is read
            .With("salt", HeldOutUsers.Salt).With("share", share).With("min_likes", HeldOutQuery.MinLikes).With("max_users", maxUsers)
            .StreamAsync(row => (
                User: row.Get<Guid>("user_id"), CreatedAt: row.Get<DateTimeOffset?>("user_created_at"),
                Row: (Entry(row), row.Get<bool>("is_there"))), ct);
        await foreach (var (id, createdAt, decision) in decisions)
        {
            if (user is { } known && known.Id != id) Finish();
            user ??= (id, createdAt);
            rows.Add(decision);
        }

        Finish();
        return queries;

        void Finish()
        {
            if (user is { } done && HeldOutQuery.Split(done.Id, new(done.CreatedAt), [.. rows]) is { } query) queries.Add(query);
            rows.Clear();
            user = null;
        }
    }

    private static HistoryEntry Entry(SqlRow row) => new(
        row.Get<Guid>("video_id"), row.Get<bool>("is_like") ? DecisionType.Like : DecisionType.Nope, row.Get<DateTimeOffset>("created_at"),
        row.Get<double?>("price"), row.Get<string[]>("tags"), row.Get<string[]>("performers"));
}
