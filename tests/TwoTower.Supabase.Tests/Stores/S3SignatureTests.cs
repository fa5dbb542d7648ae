using TwoTower.Core;
using TwoTower.Supabase.Stores;

namespace TwoTower.Supabase.Tests.Stores;

/// <summary>
/// s3rver checks no signatures: here they are checked before it, since what changes a request after it was signed would be refused by
/// Amazon alone.
/// </summary>
public class S3SignatureTests
{
    [Fact]
    public async Task Each_request_is_signed_as_it_goes_over_the_wire()
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = await SignatureProxy.StartAsync(server.Url, "S3RVER");
        using var store = new S3Store("models", "prod", name => name == "AWS_ENDPOINT_URL_S3" ? proxy.Url : server.Variable(name));
        await store.PrepareAsync(_ => { }, default);
        foreach (var name in new[] { "two-tower/v3/one.json", "two-tower/v3/two.json" })
        {
            await store.WriteAsync(name, new byte[100_000], default);
            Assert.Equal(100_000, (await store.TagAsync(name, default))!.Value.Size);
            Assert.True(await store.CopyAsync(name, "two-tower/copies/" + Path.GetFileName(name), default));
            Assert.Equal(100_000, (await store.ReadAsync("two-tower/copies/" + Path.GetFileName(name), default))!.Length);
            await store.DeleteAsync(name, default);
            Assert.Null(await store.ReadAsync(name, default));
        }

        Assert.Equal(["copies"], await store.FoldersAsync("two-tower", default));
        Assert.Contains(proxy.Signed, headers => headers.Split(';').Contains("x-amz-copy-source"));
        Assert.Contains(proxy.Signed, headers => headers.Split(';').Contains("cache-control"));
    }

    [Fact]
    public async Task Another_secret_is_refused_with_what_to_check()
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = await SignatureProxy.StartAsync(server.Url, "another");
        using var store = new S3Store("models", "", name => name == "AWS_ENDPOINT_URL_S3" ? proxy.Url : server.Variable(name));
        var error = await Assert.ThrowsAsync<InputException>(() => store.PrepareAsync(_ => { }, default));
        Assert.Contains("SignatureDoesNotMatch", error.Message, StringComparison.Ordinal);
        Assert.Contains("AWS_SECRET_ACCESS_KEY", error.Message, StringComparison.Ordinal);
        Assert.Empty(proxy.Signed);
    }
}
