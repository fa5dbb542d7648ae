using Npgsql;
using TwoTower.Core;
using TwoTower.Embedding.Texts;
using TwoTower.Postgres.Connections;
using TwoTower.Testing;

namespace TwoTower.Embedding.Tests.Texts;

/// <summary>
/// Texts of a catalogue in PostgreSQL, made into vectors by a model that looks words up: red is the first axis, blue the second.
/// </summary>
public sealed class EmbedTextJobTests(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Vectors = "select format('%s %s', right(f.video_id::text, 1), f.vector) from two_tower.video_features f where f.name = 'title' order by f.video_id";
    private static readonly TestTextModel Model = TestTextModel.OfAxes("red", "blue", "green", "cafe");
    private readonly TemporaryFolder _folder = new();
    private TestDatabase _db = null!;

    public async ValueTask InitializeAsync()
    {
        Model.Write(_folder.Path);
        _db = await postgres.CreateDatabaseAsync();
        await _db.ExecuteAsync($"""
            insert into videos (id, title, description) values ('{TestVideos.Id(1)}', 'Red', null), ('{TestVideos.Id(2)}', null, 'blue BLUE'),
                ('{TestVideos.Id(3)}', ' ', E'\n'), ('{TestVideos.Id(4)}', 'Red', 'Café'), ('{TestVideos.Id(5)}', 'green', 'unknown words')
            """);
    }

    public async ValueTask DisposeAsync()
    {
        _folder.Dispose();
        await _db.DisposeAsync();
    }

    private EmbedTextOptions Options => new() { Model = _folder.Path, ChunkRows = 2, BatchRows = 2 };

    private Task<EmbedTextResult> RunAsync(EmbedTextOptions? options = null) =>
        new EmbedTextJob(_db.DataSource).RunAsync(options ?? Options, null, default);

    private async Task<string> RefusedAsync(EmbedTextOptions options) =>
        (await Assert.ThrowsAsync<InputException>(() => RunAsync(options))).Message;

    [Fact]
    public async Task Videos_with_a_text_get_its_vector_and_a_second_run_makes_none()
    {
        var result = await RunAsync();
        Assert.Equal((4L, 0L, 1L, 0L, 0L), (result.Embedded, result.Unchanged, result.WithoutText, result.Cut, result.Unusable));
        Assert.Empty(result.Notes);
        // é is e and an accent, which the model leaves out.
        Assert.Equal(["1 [1,0,0,0]", "2 [0,1,0,0]", "4 [0.70710677,0,0,0.70710677]", "5 [0,0,1,0]"], await _db.ListAsync<string>(Vectors));

        const string rows = "select f.xmin::text from two_tower.video_features f order by f.video_id";
        var before = await _db.ListAsync<string>(rows);
        result = await RunAsync();
        Assert.Equal((0L, 4L, 1L, 0L), (result.Embedded, result.Unchanged, result.WithoutText, result.Removed));
        Assert.Equal(before, await _db.ListAsync<string>(rows));
    }

    [Fact]
    public async Task What_has_changed_is_made_anew_what_is_gone_is_taken_away_and_the_rest_is_left()
    {
        await RunAsync();
        await _db.ExecuteAsync($"""
            update videos set title = 'blue' where id = '{TestVideos.Id(1)}';
            update videos set description = null where id = '{TestVideos.Id(2)}';
            delete from videos where id = '{TestVideos.Id(4)}';
            insert into videos (id, title) values ('{TestVideos.Id(6)}', 'green');
            """);
        var result = await RunAsync();
        Assert.Equal((2L, 1L, 2L, 1L), (result.Embedded, result.Unchanged, result.WithoutText, result.Removed));
        Assert.Equal(["1 [0,1,0,0]", "5 [0,0,1,0]", "6 [0,0,1,0]"], await _db.ListAsync<string>(Vectors));
        Assert.Equal(3L, await _db.ScalarAsync<long>("select count(*) from two_tower.text_vectors"));
    }

    [Fact]
    public async Task Another_model_or_another_setting_makes_all_anew_and_says_so()
    {
        await RunAsync();
        TestTextModel.OfAxes("blue", "red", "green", "cafe").Write(_folder.Path);
        var result = await RunAsync();
        Assert.Equal((4L, 0L), (result.Embedded, result.Unchanged));
        Assert.Contains("4 vectors named title were of another model", Assert.Single(result.Notes), StringComparison.Ordinal);
        Assert.Equal("1 [0,1,0,0]", (await _db.ListAsync<string>(Vectors))[0]);

        result = await RunAsync(Options with { Prefix = "green " });
        Assert.Equal(4L, result.Embedded);
        Assert.Equal("1 [0,0.70710677,0.70710677,0]", (await _db.ListAsync<string>(Vectors))[0]);
        Assert.Equal(4L, (await RunAsync(Options with { Prefix = "green ", MaxTokens = 4 })).Embedded);
    }

    [Fact]
    public async Task A_run_that_is_stopped_keeps_what_it_wrote_and_the_next_one_goes_on()
    {
        using var stop = new CancellationTokenSource();
        var progress = new Stopper(stop);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => new EmbedTextJob(_db.DataSource).RunAsync(Options, progress, stop.Token));
        Assert.Equal(["1 [1,0,0,0]", "2 [0,1,0,0]"], await _db.ListAsync<string>(Vectors));

        var result = await RunAsync();
        Assert.Equal((2L, 2L), (result.Embedded, result.Unchanged));
        Assert.Equal(4, (await _db.ListAsync<string>(Vectors)).Count);
        Assert.Equal([new(0, 4), new(2, 4)], progress.Told);
    }

    [Fact]
    public async Task Vectors_of_another_program_stay_unless_they_are_to_be_replaced()
    {
        await _db.ExecuteAsync($"insert into two_tower.video_features values ('{TestVideos.Id(1)}', 'title', '[9,9,9,9]'), ('{TestVideos.Id(3)}', 'title', '[9,9,9,9]')");
        Assert.Contains("2 vectors named title weren't made by embed-text", await RefusedAsync(Options), StringComparison.Ordinal);
        var result = await RunAsync(Options with { Replace = true });
        Assert.Equal((4L, 1L), (result.Embedded, result.Removed));
        Assert.Equal(4, (await _db.ListAsync<string>(Vectors)).Count);

        // One that another program changes afterwards is that program's.
        await _db.ExecuteAsync($"update two_tower.video_features set vector = '[9,9,9,9]' where video_id = '{TestVideos.Id(2)}'");
        Assert.Contains("1 vectors named title weren't made by embed-text", await RefusedAsync(Options), StringComparison.Ordinal);
        result = await RunAsync(Options with { Replace = true });
        Assert.Equal((1L, 3L), (result.Embedded, result.Unchanged));
        Assert.Equal("2 [0,1,0,0]", (await _db.ListAsync<string>(Vectors))[1]);
    }

    [Fact]
    public async Task A_name_of_another_length_and_one_that_is_none_are_refused()
    {
        await RunAsync();
        TestTextModel.OfAxes("red", "blue").Write(_folder.Path);
        var message = await RefusedAsync(Options);
        Assert.Contains("vectors named title have 4 numbers, this model's have 2: give another --name", message, StringComparison.Ordinal);
        Assert.Contains("two words", await RefusedAsync(Options with { Name = "two words" }), StringComparison.Ordinal);
        Assert.Equal(3L, (await RunAsync(Options with { Name = "short" })).Embedded); // green is unknown to it, and zeros
    }

    [Fact]
    public async Task Columns_are_names_and_nothing_else()
    {
        await _db.ExecuteAsync($"""alter table videos add column "Sub""title" varchar(20), add column tagged text[]; update videos set "Sub""title" = 'blue' where id = '{TestVideos.Id(1)}'""");
        var result = await RunAsync(Options with { Columns = ["Sub\"title"], Name = "sub" });
        Assert.Equal((1L, 4L), (result.Embedded, result.WithoutText));

        Assert.Contains(
            "--columns price: public.videos.price is numeric, no text; its texts are external_id, title",
            await RefusedAsync(Options with { Columns = ["price"] }), StringComparison.Ordinal);
        Assert.Contains("tagged is text[]", await RefusedAsync(Options with { Columns = ["tagged"] }), StringComparison.Ordinal);
        Assert.Contains("has no column title) --", await RefusedAsync(Options with { Columns = ["title) --"] }), StringComparison.Ordinal);
        Assert.Contains("--columns names no column", await RefusedAsync(Options with { Columns = [] }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Long_texts_are_cut_and_counted()
    {
        await _db.ExecuteAsync($"update videos set title = repeat('red ', 1000) || 'blue' where id = '{TestVideos.Id(1)}'");
        var result = await RunAsync(Options with { MaxTokens = 5 });
        Assert.Equal((4L, 1L, 5), (result.Embedded, result.Cut, result.MaxTokens));
        Assert.Equal("1 [1,0,0,0]", (await _db.ListAsync<string>(Vectors))[0]);
    }

    [Fact]
    public async Task A_text_that_the_model_gives_zeros_for_has_no_vector_and_is_told()
    {
        await _db.ExecuteAsync($"update videos set title = 'nothing known', description = null where id in ('{TestVideos.Id(1)}', '{TestVideos.Id(2)}')");
        var result = await RunAsync();
        Assert.Equal((2L, 2L), (result.Embedded, result.Unusable));
        Assert.Contains($"the first is that of video {TestVideos.Id(1)}", Assert.Single(result.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_of_another_encoding_is_refused()
    {
        var name = $"{_db.Name}_latin1";
        await _db.ExecuteAsync($"create database {name} template template0 encoding 'LATIN1' locale 'C'");
        try
        {
            var there = new NpgsqlConnectionStringBuilder(_db.ConnectionString) { Database = name, Pooling = false };
            await using var other = DataSources.Create(there.ConnectionString);
            var error = await Assert.ThrowsAsync<InputException>(() => new EmbedTextJob(other).RunAsync(Options, null, default));
            Assert.Contains("the database is encoded in LATIN1; texts are read in UTF8", error.Message, StringComparison.Ordinal);
        }
        finally
        {
            await _db.ExecuteAsync($"drop database {name} with (force)");
        }
    }

    // Stops after the first chunk.
    private sealed class Stopper(CancellationTokenSource stop) : IProgress<EmbedTextProgress>
    {
        public List<EmbedTextProgress> Told { get; } = [];

        public void Report(EmbedTextProgress value)
        {
            Told.Add(value);
            if (value.Done > 0) stop.Cancel();
        }
    }
}
