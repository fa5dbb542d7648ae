using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;

namespace TwoTower.Torture.Checking;

/// <summary>Whether the registry, the tables and the queue are whole.</summary>
internal static class RegistryCheck
{
    // Each row is something that must not be; "settled" ones may be only while somebody is at work.
    private const string Sql =
        """
        with tables as (
            select c.oid, c.relname, substring(c.relname from '\d+$')::bigint as release_id
            from pg_class c where c.relnamespace = 'two_tower'::regnamespace and c.relkind = 'r' and c.relname ~ '^video_embeddings_\d+$')
        select false as settled, format('table %s has no release', t.relname)
        from tables t where not exists (select from two_tower.releases r where r.release_id = t.release_id)
        union all
        select true, format('table %s is left of retired release %s', t.relname, r.model_version)
        from tables t join two_tower.releases r using (release_id) where r.state = 'retired'
        union all
        select false, format('release %s is %s and has no vectors', r.model_version, r.state)
        from two_tower.releases r where r.state in ('ready', 'active') and not exists (select from tables t where t.release_id = r.release_id)
        union all
        select false, format('release %s is %s and its index isn''t valid or isn''t there', r.model_version, r.state)
        from two_tower.releases r join tables t using (release_id)
        where r.state in ('ready', 'active') and not exists (
            select from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
            where i.indrelid = t.oid and a.amname = 'hnsw' and i.indisvalid)
        union all
        select true, format('index %s isn''t valid', i.indexrelid::regclass) from pg_index i where not i.indisvalid
        union all
        select true, format('release %s is still %s', r.model_version, r.state) from two_tower.releases r where r.state in ('trained', 'embedding', 'failed')
        union all
        select false, format('release %s is %s and the gate has not passed it', r.model_version, r.state)
        from two_tower.releases r
        where r.state in ('ready', 'active') and not exists (select from two_tower.gate_runs g where g.release_id = r.release_id and g.passed)
        union all
        select true, format('the embedding of release %s is held by %s', e.release_id, e.lease_owner)
        from two_tower.release_embeddings e where e.lease_owner is not null
        union all
        select true, format('video %s is still queued', q.video_id) from two_tower.embedding_queue q
        union all
        select false, format('the pointer is at %s, active is %s', a.release_id, coalesce(r.release_id::text, 'none'))
        from two_tower.active_release a left join two_tower.releases r on r.state = 'active' where a.release_id is distinct from r.release_id
        """;

    /// <summary>Looks at everything.</summary>
    /// <param name="db">The database.</param>
    /// <param name="settled">True when nobody is at work: then nothing may be half done.</param>
    /// <param name="when">What happened before, for the findings.</param>
    /// <param name="findings">Gets what is wrong.</param>
    /// <param name="ct">Cancels.</param>
    public static async Task RunAsync(NpgsqlDataSource db, bool settled, string when, Findings findings, CancellationToken ct)
    {
        await using (var command = db.CreateCommand(Sql))
        await using (var row = await command.ExecuteReaderAsync(ct))
        {
            while (await row.ReadAsync(ct)) findings.AddIf(settled || !row.GetBoolean(0), $"{when}: {row.GetString(1)}");
        }

        var store = new ReleaseStore(db);
        foreach (var release in (await store.ListAsync(ct)).Where(release => release.State != ReleaseState.Retired))
        {
            try
            {
                var files = await store.OpenAsync(release.ModelVersion, ct);
                UserTower.FromFiles(files).Dispose();
                ItemTower.FromFiles(files).Dispose();
            }
            catch (InputException e)
            {
                findings.Add($"{when}: release {release.ModelVersion} is half: {e.Message}");
            }

            // Videos that came later are followed for the one that is served.
            if (release.State == ReleaseState.Active)
            {
                await using var missing = db.CreateCommand(
                    $"select count(*) from public.videos v where v.is_active and not exists (select from {release.Table} e where e.video_id = v.id)");
                findings.AddIf((long)(await missing.ExecuteScalarAsync(ct))! > 0, $"{when}: release {release.ModelVersion} lacks vectors");
            }
        }
    }
}
