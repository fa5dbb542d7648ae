using TwoTower.LocalPostgres.Clusters;
using TwoTower.LocalPostgres.Container;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres;

/// <summary>
/// Finds or sets up a PostgreSQL with pgvector, in this order: a given connection string; a container; the machine's own programs
/// in a cluster of our own; a private copy of the distribution's packages. A server of our own outlives the calling process, is
/// found again by the next one, and listens on 127.0.0.1 only. Safe to call from several processes at once.
/// </summary>
internal static class LocalPostgresServer
{
    /// <summary>Provides a server and its database.</summary>
    /// <param name="options">What to provide and what may be used.</param>
    /// <param name="say">Gets one line for each thing done, and for each way that isn't open and why. Never a secret.</param>
    /// <param name="ct">Stops at the next step; what is half done is redone by the next call.</param>
    /// <exception cref="LocalPostgresException">No way is open, or the given server can't be used; the message has the remedies.</exception>
    public static async Task<ProvidedPostgres> ProvideAsync(
        LocalPostgresOptions options, Action<string> say, CancellationToken ct = default)
    {
        if (!string.IsNullOrWhiteSpace(options.ConnectionString))
        {
            return Told(await GivenServer.CheckAsync(options.ConnectionString, options.ConnectionStringName, ct), say);
        }

        if (await FindAsync(options, ct) is { } running)
        {
            return running;
        }

        Directory.CreateDirectory(options.Home);
        var folder = StateFolder.Of(options.Home);
        folder.Create();
        using var gate = await FileLock.AcquireAsync(folder.Lock, say, ct);

        // Another process may have started it while this one waited.
        return await FindAsync(options, ct)
            ?? Told(await new Provision(options, folder, say).StartAsync(ct), say);
    }

    /// <summary>The server of our own that runs at this moment, or null. Starts nothing; makes the database where absent.</summary>
    public static async Task<ProvidedPostgres?> FindAsync(LocalPostgresOptions options, CancellationToken ct = default)
    {
        var folder = StateFolder.Of(options.Home);
        if (folder.Read() is not { } state || !folder.HasPassword
            || (state.Container is not null && !options.AllowContainer)
            || !await ServerProbe.AnswersAsync(state.Port, folder.Password(), ct))
        {
            return null;
        }

        if (options.Port is { } wanted && wanted != state.Port)
        {
            throw new LocalPostgresException(
                $"this folder's PostgreSQL already runs on port {state.Port}, not {wanted}: stop it first (twotower db stop), or leave the port out");
        }

        return await Provision.DescribeAsync(options, folder, state, reused: true, ct);
    }

    /// <summary>The container engine that answers on this machine: docker, podman, or null with the reason.</summary>
    public static async Task<(string? Engine, string? Reason)> FindContainerEngineAsync(CancellationToken ct = default)
    {
        var (engine, reason) = await ContainerEngine.FindAsync(ct);
        return (engine?.Program, reason);
    }

    /// <summary>Stops the server of our own; its data stays.</summary>
    /// <returns>False where none ran.</returns>
    public static async Task<bool> StopAsync(LocalPostgresOptions options, Action<string> say, CancellationToken ct = default)
    {
        var folder = StateFolder.Of(options.Home);
        if (!Directory.Exists(folder.Root))
        {
            return false;
        }

        using var gate = await FileLock.AcquireAsync(folder.Lock, say, ct);
        if (folder.Read() is not { } state)
        {
            return false;
        }

        if (state is { Engine: { } engine, Container: { } container })
        {
            return await new ContainerServer(new ContainerEngine(engine), folder).StopAsync(container, ct);
        }

        var user = await ServerUser.FindAsync(ct);
        var programs = await Provision.KnownProgramsAsync(options, state, ct);
        return user is not null && programs is not null && await new Cluster(folder, programs, user).StopAsync(ct);
    }

    private static ProvidedPostgres Told(ProvidedPostgres provided, Action<string> say)
    {
        if (provided.Warning is { } warning)
        {
            say(warning);
        }

        return provided;
    }
}
