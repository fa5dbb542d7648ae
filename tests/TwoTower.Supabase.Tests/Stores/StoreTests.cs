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

        await store.WriteAsync("a/b/one.json", "{}"u8.ToArray(), default);
        await store.WriteAsync("a/b/one.json", "{\"a\":1}"u8.ToArray(), default);
        await store.CopyAsync("a/b/one.json", "a/c/one.json", default);
        await store.CopyAsync("a/b/one.json", "a/c/one.json", default);
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
    public async Task S3_refuses_wrong_keys_and_a_bucket_that_is_not_there_by_name()
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
    private TestDatabase? _db;
    private S3Server? _s3;

    public required ArtifactStore Store { get; init; }

    public SupabaseStandIn? StandIn { get; private init; }

    public static async Task<TestStore> OpenAsync(string kind, SupabaseServer server)
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
                Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
                var db = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: false));
                var standIn = new SupabaseStandIn(db);
                var client = new SupabaseClient(
                    new(new(standIn.Url), SupabaseKey.Parse(SupabaseStandIn.SecretKey, "test")), TimeProvider.System, delay: TimeSpan.FromMilliseconds(5));
                return new() { Store = new StorageStore(client, "model-artifacts"), StandIn = standIn, _db = db };
        }
    }

    public async ValueTask DisposeAsync()
    {
        Store.Dispose();
        if (_s3 is not null) await _s3.DisposeAsync();
        if (StandIn is not null) await StandIn.DisposeAsync();
        if (_db is not null) await _db.DisposeAsync();
        _folder?.Dispose();
    }
}
