using Npgsql;
using TwoTower.Core;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;

namespace TwoTower.Embedding.Leases;

/// <summary>
/// The right to embed a release, one process at a time. A row, not a session's lock: it survives a transaction pooler, and a killed holder
/// loses it by falling silent.
/// </summary>
internal sealed class EmbeddingLease : IAsyncDisposable
{
    private readonly NpgsqlDataSource _db;
    private readonly Release _release;
    private readonly string _owner;
    private readonly LeaseRenewal _renewal;

    private EmbeddingLease(NpgsqlDataSource db, Release release, string owner, TimeSpan length, TimeProvider time, CancellationToken ct)
    {
        (_db, _release, _owner) = (db, release, owner);
        _renewal = new(length, time, token => RenewAsync(length, token), ct);
    }

    /// <summary>Cancelled when the caller cancels or the lease is lost.</summary>
    public CancellationToken Held => _renewal.Held;

    /// <summary>Takes the lease; null when another process has it.</summary>
    public static async Task<EmbeddingLease?> TryTakeAsync(
        NpgsqlDataSource db, Release release, TimeSpan length, TimeProvider time, CancellationToken ct)
    {
        var owner = LeaseOwner.New();
        var isMine = await db.Sql(
            """
            insert into two_tower.release_embeddings as e (release_id, lease_owner, lease_until)
            values (@release, @owner, clock_timestamp() + @lease)
            on conflict (release_id) do update
                set lease_owner = excluded.lease_owner, lease_until = excluded.lease_until
                where e.lease_until is null or e.lease_until < clock_timestamp()
            """)
            .With("release", release.Id).With("owner", owner).With("lease", length).ExecuteAsync(ct) == 1;
        return isMine ? new(db, release, owner, length, time, ct) : null;
    }

    /// <summary>Does what only the holder may, in one transaction: nobody takes the lease over before it is committed.</summary>
    /// <exception cref="InputException">Another process has taken over; nothing was done.</exception>
    public async Task DoAsync(Func<NpgsqlConnection, Task> work)
    {
        await using var connection = await _db.OpenConnectionAsync(Held);
        await using var transaction = await connection.BeginTransactionAsync(Held);
        var isMine = await connection.Sql(
            "select true from two_tower.release_embeddings where release_id = @release and lease_owner = @owner for update")
            .With("release", _release.Id).With("owner", _owner).ScalarAsync<bool?>(Held);
        if (isMine is null) throw TakenOver();
        await work(connection);
        await transaction.CommitAsync(Held);
    }

    /// <summary>Records how far the work is, for whoever looks at the registry.</summary>
    public Task ReportAsync(EmbedStage stage, long done, long total, bool finished, CancellationToken ct) => _db.Sql(
        """
        update two_tower.release_embeddings
        set stage = @stage, done = @done, total = @total, started_at = coalesce(started_at, clock_timestamp()),
            finished_at = case when @finished then clock_timestamp() end
        where release_id = @release and lease_owner = @owner
        """)
        .With("release", _release.Id).With("owner", _owner)
        .With("stage", finished ? "finished" : stage.ToString().ToLowerInvariant())
        .With("done", done).With("total", total).With("finished", finished)
        .ExecuteAsync(ct);

    /// <summary>Says that the lease was lost, when that is why the work stopped.</summary>
    /// <exception cref="InputException">Another process has taken over.</exception>
    public void Require()
    {
        if (_renewal.Lost) throw TakenOver();
    }

    /// <summary>Gives the lease back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _renewal.DisposeAsync();
        try
        {
            await _db.Sql(
                """
                update two_tower.release_embeddings set lease_owner = null, lease_until = null
                where release_id = @release and lease_owner = @owner
                """)
                .With("release", _release.Id).With("owner", _owner).ExecuteAsync(CancellationToken.None);
        }
        catch (NpgsqlException)
        {
            // The database is away: the lease runs out by itself, and what broke the work is what the caller must hear of.
        }
    }

    private async Task<bool> RenewAsync(TimeSpan length, CancellationToken ct) => await _db.Sql(
        """
        update two_tower.release_embeddings set lease_until = clock_timestamp() + @lease
        where release_id = @release and lease_owner = @owner
        """)
        .With("release", _release.Id).With("owner", _owner).With("lease", length).ExecuteAsync(ct) == 1;

    private InputException TakenOver() =>
        new($"Another process took over the embedding of release {_release.ModelVersion}; this one was silent for too long.");
}
