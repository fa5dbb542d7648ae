using Npgsql;
using TwoTower.Core.Features;
using TwoTower.Core.Quality;
using TwoTower.Core.Rows;

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
                group by d.user_id having count(*) >= $3
            ) u
            cross join lateral (select two_tower.user_share(u.user_id, $1) as place) s
            where s.place < $2
            order by s.place, u.user_id
            limit $4
        )
        select d.user_id, (select two_tower.plain_time(p.created_at) from public.profiles p where p.user_id = d.user_id), d.video_id, d.decision_type::text = 'like',
            d.created_at, v.id is not null, two_tower.plain_number(v.price::numeric)::float8,
            array(select t.tag_name from two_tower.video_tag_names t where t.video_id = v.id and t.tag_name is not null),
            array(select n.performer_name from two_tower.video_performer_names n where n.video_id = v.id and n.performer_name is not null)
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
    public static async Task<IReadOnlyList<HeldOutQuery>> ReadAsync(NpgsqlDataSource db, double share, int maxUsers, CancellationToken ct = default)
    {
        ArgumentNullException.ThrowIfNull(db);
        var queries = new List<HeldOutQuery>();
        await using var command = db.CreateCommand(Sql);
        command.CommandTimeout = 0; // the whole table of decisions is read
        command.Parameters.Add(new() { Value = HeldOutUsers.Salt });
        command.Parameters.Add(new() { Value = share });
        command.Parameters.Add(new() { Value = HeldOutQuery.MinLikes });
        command.Parameters.Add(new() { Value = maxUsers });
        await using var row = await command.ExecuteReaderAsync(ct).ConfigureAwait(false);
        (Guid Id, DateTimeOffset? CreatedAt)? user = null;
        var rows = new List<(HistoryEntry, bool)>();
        while (await row.ReadAsync(ct).ConfigureAwait(false))
        {
            var id = row.GetGuid(0);
            if (user is { } known && known.Id != id) Finish();
            user ??= (id, row.IsDBNull(1) ? null : row.GetFieldValue<DateTimeOffset>(1));
            rows.Add((
                new(row.GetGuid(2), row.GetBoolean(3) ? DecisionType.Like : DecisionType.Nope, row.GetFieldValue<DateTimeOffset>(4),
                    row.IsDBNull(6) ? null : row.GetDouble(6), row.GetFieldValue<string[]>(7), row.GetFieldValue<string[]>(8)),
                row.GetBoolean(5)));
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
}
