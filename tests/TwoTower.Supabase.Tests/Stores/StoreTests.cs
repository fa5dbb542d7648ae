using TwoTower.Core;
using TwoTower.Supabase.Http;
using TwoTower.Supabase.Stores;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Stores;

/// <summary>A folder, Supabase Storage and an S3-compatible store are one to whoever publishes.</summary>
public sealed class StoreTests(SupabaseServer server)
{
    [Theory]
    [InlineData("folder")]
    [InlineData("supabase")]
    [InlineData("s3")]
    public async Task Files_are_written_read_copied_and_deleted(string kind)
    {
        await using var place = await TestStore.OpenAsync(kind, server);
        var store = place.Store;
        await store.PrepareAsync(_ => { }, default);
        await store.PrepareAsync(_ => { }, default);
        Assert.Null(await store.ReadAsync("a/b/none.json", default));
        Assert.Null(await store.TagAsync("a/b/none.json", default));
        Assert.False(await store.CopyAsync("a/b/none.json", "a/c/none.json", default));
        Assert.Null(await store.HashAsync("a/c/none.json", default));
        Assert.Empty(await store.FoldersAsync("a", default));

        await store.WriteAsync("a/b/one.json", "{}"u8.ToArray(), default);
        await store.WriteAsync("a/b/one.json", "{\"a\":1}"u8.ToArray(), default);
        Assert.True(await store.CopyAsync("a/b/one.json", "a/c/one.json", default));
        Assert.True(await store.CopyAsync("a/b/one.json", "a/c/one.json", default));
        Assert.Equal(["b", "c"], (await store.FoldersAsync("a", default)).Order());
        await store.DeleteAsync("a/b/one.json", default);
        await store.DeleteAsync("a/b/one.json", default);

        Assert.Null(await store.ReadAsync("a/b/one.json", default));
        Assert.Equal("{\"a\":1}"u8.ToArray(), await store.ReadAsync("a/c/one.json", default));
        Assert.Equal(("015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", 7L), await store.HashAsync("a/c/one.json", default));
        var tag = await store.TagAsync("a/c/one.json", default);
        Assert.Equal(7, tag!.Value.Size);
        await store.WriteAsync("a/c/one.json", new byte[300_000], default);
        Assert.NotEqual(tag, await store.TagAsync("a/c/one.json", default));
        Assert.Equal(300_000, (await store.HashAsync("a/c/one.json", default))!.Value.Size);
    }

    [Fact]
    public async Task A_HEAD_that_Storage_refuses_is_asked_about_with_a_body()
    {
        await using var place = await TestStore.OpenAsync("supabase", server);
        await place.Store.PrepareAsync(_ => { }, default);
        await place.Store.WriteAsync("a/one.json", "{}"u8.ToArray(), default);
        var tag = await place.Store.TagAsync("a/one.json", default);
        place.StandIn!.Intercept = request => Task.FromResult<StandInFault?>(request.Method == "HEAD" ? new(400) : null);
        Assert.Equal(tag, await place.Store.TagAsync("a/one.json", default));
        Assert.Null(await place.Store.TagAsync("a/none.json", default));
        place.StandIn.Intercept = _ => Task.FromResult<StandInFault?>(
            new(400, """{"statusCode":"429","error":"SlowDown","message":"slow down","code":"SlowDown"}""", Type: "application/json"));
        await Assert.ThrowsAsync<RemoteException>(() => place.Store.TagAsync("a/one.json", default));
        await Assert.ThrowsAsync<RemoteException>(() => place.Store.CopyAsync("a/one.json", "a/two.json", default));
    }

    [Fact]
    public async Task A_bucket_that_is_not_there_is_no_file_that_is_not_there()
    {
        await using var place = await TestStore.OpenAsync("supabase", server);
        foreach (var ask in new Func<Task>[]
        {
            () => place.Store.ReadAsync("a/one.json", default), () => place.Store.TagAsync("a/one.json", default),
            () => place.Store.CopyAsync("a/one.json", "a/two.json", default), () => place.Store.FoldersAsync("a", default),
        })
        {
            Assert.Contains("--bucket", (await Assert.ThrowsAsync<InputException>(ask)).Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Nothing waits for ever for the rest of a file, and a file that breaks off is read again.</summary>
    [Theory]
    [InlineData(StandInBreak.Cut)]
    [InlineData(StandInBreak.Silent)]
    public async Task A_file_that_breaks_off_is_read_again_from_its_beginning(StandInBreak how)
    {
        await using var place = await TestStore.OpenAsync("supabase", server, TestStore.PatienceFor(how));
        await place.Store.PrepareAsync(_ => { }, default);
        await place.Store.WriteAsync("a/one.json", "{\"a\":1}"u8.ToArray(), default);
        var left = 2;
        place.StandIn!.Intercept = _ => Task.FromResult(left-- > 0 ? new StandInFault(200, "{\"a", Type: "application/json") { Break = how } : null);
        Assert.Equal("{\"a\":1}"u8.ToArray(), await place.Store.ReadAsync("a/one.json", default));
        left = 2;
        Assert.Equal(("015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862", 7L), await place.Store.HashAsync("a/one.json", default));
        left = int.MaxValue;
        Assert.Contains("a/one.json", (await Assert.ThrowsAsync<RemoteException>(() => place.Store.HashAsync("a/one.json", default))).Message, StringComparison.Ordinal);
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => place.Store.HashAsync("a/one.json", stop.Token));
    }

    [Fact]
    public async Task A_folder_whose_files_cannot_be_used_is_said_with_what_to_do()
    {
        await using var place = await TestStore.OpenAsync("folder", server);
        await place.Store.WriteAsync("a/one.json", "{}"u8.ToArray(), default);
        var path = Path.Combine(place.Store.Name, "a", "one.json");
        await using (new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None))
        {
            Assert.Contains(path, (await Assert.ThrowsAsync<InputException>(() => place.Store.ReadAsync("a/one.json", default))).Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<InputException>(() => place.Store.CopyAsync("a/one.json", "a/two.json", default));
        }

        await Assert.ThrowsAsync<InputException>(() => place.Store.WriteAsync("a/one.json/x", "{}"u8.ToArray(), default));
        using var nowhere = new FolderStore(Path.Combine(place.Store.Name, "nowhere"));
        Assert.Contains("nowhere", (await Assert.ThrowsAsync<InputException>(() => nowhere.FoldersAsync("a", default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Buckets_of_one_name_at_two_stores_are_two_places()
    {
        using var amazon = new S3Store("models", "prod", Variable(null));
        using var other = new S3Store("models", "prod", Variable("http://127.0.0.1:9"));
        Assert.Equal(amazon.Name, other.Name);
        Assert.NotEqual(amazon.Place, other.Place);

        static Func<string, string?> Variable(string? endpoint) => name => name switch
        {
            "AWS_ENDPOINT_URL_S3" => endpoint,
            "AWS_REGION" => "us-east-1",
            "AWS_ACCESS_KEY_ID" or "AWS_SECRET_ACCESS_KEY" => "x",
            _ => null,
        };
    }

    [Fact]
    public async Task A_reader_of_Storage_is_told_to_ask_again_each_time()
    {
        await using var place = await TestStore.OpenAsync("supabase", server);
        await place.Store.PrepareAsync(_ => { }, default);
        await place.Store.WriteAsync("a/manifest.json", "{}"u8.ToArray(), default);
        await place.Store.CopyAsync("a/manifest.json", "b/manifest.json", default);
        Assert.Equal("max-age=0", place.StandIn!.Storage.CacheControl("model-artifacts", "b/manifest.json"));
    }

    [Fact]
    public async Task A_file_that_is_too_large_for_the_project_is_said_with_what_to_do()
    {
        await using var place = await TestStore.OpenAsync("supabase", server);
        await place.Store.PrepareAsync(_ => { }, default);
        var error = await Assert.ThrowsAsync<InputException>(() => place.Store.WriteAsync("big.parquet", new byte[51 * 1024 * 1024], default));
        Assert.Contains("raise the limit", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task S3_refuses_an_unknown_access_key_and_a_bucket_that_is_not_there_by_name()
    {
        await using var s3 = await S3Server.StartAsync();
        using var none = new S3Store("none", "", s3.Variable);
        Assert.Contains("no bucket none", (await Assert.ThrowsAsync<InputException>(() => none.PrepareAsync(_ => { }, default))).Message, StringComparison.Ordinal);
        using var wrong = new S3Store("models", "", name => name switch
        {
            "AWS_ACCESS_KEY_ID" => "WRONG",
            "AWS_SECRET_ACCESS_KEY" => "wrong-and-secret",
            _ => s3.Variable(name),
        });
        var error = await Assert.ThrowsAsync<InputException>(() => wrong.WriteAsync("x", [1], default));
        Assert.Contains("AWS_SECRET_ACCESS_KEY", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong-and-secret", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ftp://x")]
    [InlineData("https://x.supabase.co")]
    [InlineData("s3://")]
    public void A_place_that_is_none_is_refused(string text) => Assert.Throws<InputException>(
        () => StoreAddress.Open(text, "b", () => throw new InvalidOperationException(), _ => null));
}

/// <summary>A store of a kind, with what is behind it.</summary>
internal sealed class TestStore : IAsyncDisposable
{
    private TemporaryFolder? _folder;
    private TestProject? _project;
    private S3Server? _s3;

    public required ArtifactStore Store { get; init; }

    public SupabaseStandIn? StandIn => _project?.StandIn;

    /// <summary>Short where an answer falls silent, which a busy machine may do as well: nothing counts requests there.</summary>
    public static Patience PatienceFor(StandInBreak how) =>
        how == StandInBreak.Silent ? Patience.Usual with { Silence = TimeSpan.FromSeconds(0.5) } : Patience.Usual;

    /// <param name="patience">With Storage; null: the usual.</param>
    public static async Task<TestStore> OpenAsync(string kind, SupabaseServer server, Patience? patience = null)
    {
        switch (kind)
        {
            case "folder":
                var folder = new TemporaryFolder();
                return new() { Store = new FolderStore(folder.Path), _folder = folder };
            case "s3":
                var s3 = await S3Server.StartAsync();
                return new() { Store = new S3Store("models", "prod", s3.Variable), _s3 = s3 };
            default:
                var project = await TestProject.OpenAsync(server);
                var client = patience is null ? project.Client : project.Connect(patience);
                return new() { Store = new StorageStore(client, "model-artifacts"), _project = project };
        }
    }

    /// <summary>The same Storage, waited for otherwise.</summary>
    public ArtifactStore With(Patience patience) => new StorageStore(_project!.Connect(patience), "model-artifacts");

    public async ValueTask DisposeAsync()
    {
        Store.Dispose();
        if (_s3 is not null) await _s3.DisposeAsync();
        if (_project is not null) await _project.DisposeAsync();
        _folder?.Dispose();
    }
}
