using TwoTower.Postgres.Connections;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests;

/// <summary>What an index build asks of the server, as the server saw it.</summary>
public sealed class IndexBuildTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly VectorIndexOptions Options = new() { ParallelWorkers = 2, MaintenanceMemoryMb = 96 };
    private TestDatabase _db = null!;
    private Release _release = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await TestVideos.InsertAsync(_db, 1, 20);
        _release = await TestReleases.ReadyAsync(_db, TestCheckpoints.Random());
        await _db.ExecuteAsync(
            $"""
            do $$ declare i text; begin
                for i in select indexrelid::regclass from pg_index where indrelid = '{_release.Table}'::regclass and not indisprimary loop execute 'drop index ' || i; end loop;
            end $$;
            create table seen (memory text, workers text, timeout text);
            create function see() returns event_trigger language plpgsql as $$
            begin
                insert into public.seen values (current_setting('maintenance_work_mem'), current_setting('max_parallel_maintenance_workers'), current_setting('statement_timeout'));
            end $$;
            create event trigger see on ddl_command_end when tag in ('CREATE INDEX') execute function see();
            """);
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    [Theory]
    [InlineData("0.8.3", "0")]
    [InlineData("0.8.0", "0")]
    [InlineData("0.8.4", "2")]
    [InlineData("0.9.0", "2")]
    public async Task An_older_pgvector_builds_with_one_process_and_says_why(string version, string workers)
    {
        var warnings = new List<string>();
        await VectorIndex.BuildAsync(_db.DataSource, await OpenAsync(version), Options, 20, warnings.Add);
        Assert.Equal(workers, await _db.ScalarAsync<string>("select workers from seen"));
        if (workers == "2") Assert.Empty(warnings);
        else Assert.Equal([$"pgvector {version} can overflow in parallel index builds: building with one process. Upgrade to 0.8.4 or newer."], warnings);
    }

    [Theory]
    [InlineData(20, "64MB")]
    [InlineData(200_000, "96MB")]
    public async Task The_build_has_the_memory_that_it_needs_and_never_more_than_it_is_given(long rows, string memory)
    {
        var before = await _db.ScalarAsync<string>("select current_setting('maintenance_work_mem')");
        await VectorIndex.BuildAsync(_db.DataSource, await OpenAsync("0.8.4"), Options, rows);
        Assert.Equal((memory, "0"), (await _db.ScalarAsync<string>("select memory from seen"), await _db.ScalarAsync<string>("select timeout from seen")));
        Assert.Equal(before, await _db.ScalarAsync<string>("select current_setting('maintenance_work_mem')"));
    }

    [Fact]
    public void By_default_ten_million_videos_get_two_gigabytes() =>
        Assert.Equal(2048, VectorIndex.MemoryMb(_release with { EmbeddingDim = 256 }, new(), 10_000_000));

    [Fact]
    public void A_server_with_an_older_pgvector_is_warned_about()
    {
        var server = new ServerInfo(new(17, 2), "x", new(0, 8, 3), new(0, 8, 3), "public");
        Assert.Equal(["pgvector 0.8.3 can corrupt an HNSW index in VACUUM; upgrade to 0.8.4 or newer when you can."], ServerCheck.Warnings(server));
        Assert.Empty(ServerCheck.Warnings(server with { VectorVersion = new(0, 8, 4) }));
    }

    private async Task<ReleaseVectors> OpenAsync(string vectorVersion) => ReleaseVectors.Open(
        _db.DataSource, _release,
        await ServerCheck.ReadAsync(_db.DataSource, default) with { VectorVersion = Version.Parse(vectorVersion) });
}
