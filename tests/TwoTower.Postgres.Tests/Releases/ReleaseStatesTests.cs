using Npgsql;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Releases;

/// <summary>What the database itself refuses, whoever asks.</summary>
public sealed class ReleaseStatesTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly string[] States = ["trained", "embedding", "ready", "active", "retired", "failed"];
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        _db = await postgres.CreateDatabaseAsync();
        await _db.ExecuteAsync("insert into two_tower.releases (model_version, embedding_dim) values ('a', 16), ('b', 16)");
    }

    public async ValueTask DisposeAsync() => await _db.DisposeAsync();

    private async Task<string> RefusedAsync(string sql) =>
        (await Assert.ThrowsAsync<PostgresException>(() => _db.ExecuteAsync(sql))).MessageText;

    /// <summary>Puts release a into a state by whatever way leads there.</summary>
    private async Task GoAsync(string state)
    {
        await _db.ExecuteAsync(
            """
            create table two_tower.video_embeddings_1 (); create table two_tower.video_embeddings_2 ();
            select two_tower.transition_release('b', 'embedding', 't', null), two_tower.record_gate_run('b', true, 't');
            select two_tower.transition_release('b', 'ready', 't', null);
            """);
        string[] way = state switch
        {
            "trained" => [],
            "embedding" => ["embedding"],
            "ready" or "active" => ["embedding", "ready"],
            _ => [state],
        };
        foreach (var step in way)
        {
            await _db.ExecuteAsync($"select two_tower.transition_release('a', '{step}', 't', null)");
            if (step == "embedding") await _db.ExecuteAsync("select two_tower.record_gate_run('a', true, 't')");
        }

        if (state == "active") await _db.ExecuteAsync("select two_tower.activate_release('a', 't', null)");
    }

    [Theory]
    [InlineData("trained", "embedding failed retired")]
    [InlineData("embedding", "ready failed retired")]
    [InlineData("ready", "embedding failed retired")] // active: only through activate_release
    [InlineData("active", "")] // ready: only by activating another
    [InlineData("retired", "")]
    [InlineData("failed", "embedding retired")]
    public async Task Only_the_transitions_of_the_diagram_are_possible(string from, string possible)
    {
        await GoAsync(from);
        foreach (var to in States.Where(state => state != from))
        {
            await using var connection = await _db.DataSource.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new NpgsqlCommand($"update two_tower.releases set state = '{to}' where model_version = 'a'", connection);
            var error = await Record.ExceptionAsync(() => command.ExecuteNonQueryAsync());
            if (possible.Split(' ').Contains(to))
            {
                Assert.Null(error);
            }
            else
            {
                Assert.Matches($"release a (cannot go from {from} to {to}|becomes active, or stops to be)", Assert.IsType<PostgresException>(error).MessageText);
            }
        }
    }

    [Fact]
    public async Task A_refused_transition_names_what_would_be_possible()
    {
        Assert.Equal(
            "release a cannot go from trained to ready: from trained it can go to embedding, failed, retired",
            await RefusedAsync("select two_tower.transition_release('a', 'ready', 't', null)"));
        await _db.ExecuteAsync("select two_tower.transition_release('a', 'retired', 't', null)");
        Assert.Equal(
            "release a cannot go from retired to embedding: from retired it can go to no other state",
            await RefusedAsync("select two_tower.transition_release('a', 'embedding', 't', null)"));
    }

    [Fact]
    public async Task Only_a_ready_release_with_vectors_can_be_activated()
    {
        Assert.Equal(
            "release a is trained and cannot be activated: only a ready release can",
            await RefusedAsync("select two_tower.activate_release('a', 't', null)"));
        await _db.ExecuteAsync(
            "select two_tower.transition_release('a', 'embedding', 't', null), two_tower.record_gate_run('a', true, 't'), two_tower.transition_release('a', 'ready', 't', null)");
        Assert.Equal("release a has no vectors: embed it first", await RefusedAsync("select two_tower.activate_release('a', 't', null)"));
    }

    [Fact]
    public async Task The_pointer_cannot_be_moved_past_the_states()
    {
        await GoAsync("active");
        const string refusal = "the pointer and the active release differ: call two_tower.activate_release";
        Assert.Equal(refusal, await RefusedAsync("update two_tower.active_release set release_id = 2"));
        Assert.Equal(refusal, await RefusedAsync("update two_tower.active_release set release_id = null"));
        Assert.StartsWith("the pointer row stays", await RefusedAsync("delete from two_tower.active_release"), StringComparison.Ordinal);
        await Assert.ThrowsAsync<PostgresException>(() => _db.ExecuteAsync("insert into two_tower.active_release (singleton) values (false)"));
    }

    [Fact]
    public async Task Every_transition_is_recorded_even_one_made_by_hand()
    {
        await _db.ExecuteAsync("update two_tower.releases set state = 'failed' where model_version = 'a'");
        await _db.ExecuteAsync("select two_tower.transition_release('a', 'embedding', 'carol', 'try again'); update two_tower.releases set state = 'failed' where model_version = 'a'");
        Assert.Equal(
            ["-trained by {u}: -", "trained-failed by {u}: -", "failed-embedding by carol: try again", "embedding-failed by {u}: -"],
            (await _db.ListAsync<string>(
                """
                select concat(from_state, '-', to_state, ' by ', replace(actor, session_user, '{u}'), ': ', coalesce(reason, '-'))
                from two_tower.release_transitions where model_version = 'a' order by transition_id
                """)));
    }

    [Fact]
    public async Task What_a_release_is_never_changes()
    {
        await _db.ExecuteAsync(
            "insert into two_tower.release_files values (1, 'x.json', encode(sha256('{}'), 'hex'), 2, '{}')");
        Assert.StartsWith("release a is immutable", await RefusedAsync("update two_tower.releases set config = '{\"a\": 1}' where model_version = 'a'"), StringComparison.Ordinal);
        Assert.StartsWith("release a is immutable", await RefusedAsync("update two_tower.releases set model_version = 'z' where model_version = 'a'"), StringComparison.Ordinal);
        // The bytes of a release that may be served stay; those of a retired one go (ReleaseRetentionTests), and nothing else of it.
        Assert.StartsWith("release files are immutable", await RefusedAsync("update two_tower.release_files set content = null"), StringComparison.Ordinal);
        Assert.StartsWith("release files are immutable", await RefusedAsync("delete from two_tower.release_files"), StringComparison.Ordinal);
        Assert.Contains("is not retired: its files stay", await RefusedAsync("select two_tower.free_release_files(1)"), StringComparison.Ordinal);
        Assert.Contains("has no content", await RefusedAsync(
            "insert into two_tower.release_files values (1, 'y.json', encode(sha256('{}'), 'hex'), 2, null)"), StringComparison.Ordinal);
        Assert.StartsWith("release files are immutable", await RefusedAsync("update two_tower.release_files set path = 'y.json'"), StringComparison.Ordinal);
        Assert.StartsWith(
            "release a is trained: only a retired or failed release can be deleted", await RefusedAsync("delete from two_tower.releases where model_version = 'a'"), StringComparison.Ordinal);
        Assert.StartsWith(
            "release c cannot start as ready", await RefusedAsync("insert into two_tower.releases (model_version, embedding_dim, state) values ('c', 16, 'ready')"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_whose_hash_or_size_is_wrong_cannot_be_stored()
    {
        Assert.Contains("release_files_check", await RefusedAsync(
            "insert into two_tower.release_files values (1, 'x.json', encode(sha256('{ }'), 'hex'), 2, '{}')"), StringComparison.Ordinal);
        Assert.Contains("release_files_check", await RefusedAsync(
            "insert into two_tower.release_files values (1, 'x.json', encode(sha256('{}'), 'hex'), 3, '{}')"), StringComparison.Ordinal);
        Assert.Contains("release_files_path_check", await RefusedAsync(
            "insert into two_tower.release_files values (1, '../x.json', encode(sha256('{}'), 'hex'), 2, '{}')"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_video_that_changes_again_while_a_worker_is_at_it_stays_in_the_queue()
    {
        await _db.ExecuteAsync(
            "select two_tower.enqueue_videos(array['00000000-0000-4000-8000-000000000001'::uuid, '00000000-0000-4000-8000-000000000002', '00000000-0000-4000-8000-000000000001', null])");
        Assert.Equal(2L, await _db.ScalarAsync<long>("select count(*) from two_tower.embedding_queue"));
        var read = await _db.ScalarAsync<long>("select change_id from two_tower.embedding_queue order by video_id limit 1");
        await _db.ExecuteAsync("select two_tower.enqueue_videos(array['00000000-0000-4000-8000-000000000001'::uuid])");
        await _db.ExecuteAsync($"delete from two_tower.embedding_queue where video_id = '00000000-0000-4000-8000-000000000001' and change_id = {read}");
        Assert.Equal(2L, await _db.ScalarAsync<long>("select count(*) from two_tower.embedding_queue"));
    }
}
