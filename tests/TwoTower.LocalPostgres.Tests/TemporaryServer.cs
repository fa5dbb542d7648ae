using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres.Tests;

/// <summary>A server of our own in a temporary home; the downloaded programs are the cache's, shared with every other run.</summary>
internal sealed class TemporaryServer : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();

    private TemporaryServer() => Options = new LocalPostgresOptions { Home = _folder.Path, AllowContainer = false };

    public LocalPostgresOptions Options { get; init; }

    public List<string> Said { get; } = [];

    public ProvidedPostgres Provided { get; private set; } = null!;

    /// <summary>Nothing runs yet.</summary>
    public static TemporaryServer Home() => new();

    /// <summary>A running server. Skips the test only where no way to a PostgreSQL with pgvector exists at all.</summary>
    public static async Task<TemporaryServer> StartAsync()
    {
        var server = new TemporaryServer();
        try
        {
            await server.ProvideAsync();
            return server;
        }
        catch (LocalPostgresException e) when (e.Message.StartsWith("no PostgreSQL with pgvector can be had here", StringComparison.Ordinal) && !Mirror.Expected)
        {
            await server.DisposeAsync();
            Assert.Skip(e.Message);
            throw;
        }
    }

    public async Task<ProvidedPostgres> ProvideAsync() =>
        Provided = await LocalPostgresServer.ProvideAsync(Options, Said.Add);

    public async ValueTask DisposeAsync()
    {
        await LocalPostgresServer.StopAsync(Options, static _ => { });
        var state = StateFolder.Of(Options.Home).Root;
        if (Directory.Exists(state))
        {
            Directory.Delete(state, recursive: true);
        }

        _folder.Dispose();
    }
}
