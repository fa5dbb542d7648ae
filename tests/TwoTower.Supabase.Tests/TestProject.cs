using TwoTower.Supabase.Http;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests;

/// <summary>
/// A project of Supabase's shape, the stand-in before its database, and a client of it that waits for little between two tries.
/// </summary>
internal sealed class TestProject : IAsyncDisposable
{
    private readonly List<SupabaseClient> _clients = [];

    private TestProject(TestDatabase db, SupabaseStandIn standIn) => (Db, StandIn, Client) = (db, standIn, null!);

    public TestDatabase Db { get; }

    public SupabaseStandIn StandIn { get; }

    public SupabaseClient Client { get; private set; }

    /// <param name="sql">Makes its tables; null: none.</param>
    public static async Task<TestProject> OpenAsync(SupabaseServer server, string? sql = null)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var db = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: false));
        if (sql is not null) await db.ExecuteAsync(sql);
        var project = new TestProject(db, new(db));
        project.Client = project.Connect(Patience.Usual);
        return project;
    }

    /// <summary>Another client of it.</summary>
    public SupabaseClient Connect(Patience patience)
    {
        var client = new SupabaseClient(
            new(new(StandIn.Url), SupabaseKey.Parse(SupabaseStandIn.SecretKey, "test")), TimeProvider.System, delay: TimeSpan.FromMilliseconds(5),
            patience: patience);
        _clients.Add(client);
        return client;
    }

    public async ValueTask DisposeAsync()
    {
        _clients.ForEach(client => client.Dispose());
        await StandIn.DisposeAsync();
        await Db.DisposeAsync();
    }
}
