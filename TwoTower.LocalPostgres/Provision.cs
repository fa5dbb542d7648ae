using TwoTower.LocalPostgres.Apt;
using TwoTower.LocalPostgres.Clusters;
using TwoTower.LocalPostgres.Container;
using TwoTower.LocalPostgres.Machine;
using TwoTower.LocalPostgres.Servers;

namespace TwoTower.LocalPostgres;

/// <summary>One attempt, under the folder's lock: the ways in their order, each either a server or a reason.</summary>
internal sealed class Provision(LocalPostgresOptions options, StateFolder folder, Action<string> say)
{
    private readonly List<string> _reasons = [];

    public async Task<ProvidedPostgres> StartAsync(CancellationToken ct)
    {
        var last = folder.Read();

        // Data in a cluster stays in use there: a container engine that appears later must not hide it.
        var hasCluster = last is { Container: null } && Cluster.MajorsOf(folder).Count > 0;
        if (!hasCluster && await TryContainerAsync(last, ct))
        {
            return await DescribeAsync(options, folder, folder.Read()!, reused: false, ct);
        }

        if (last?.Container is { } container)
        {
            say($"the data of earlier runs is in the volume {container}, out of reach now; going on with an empty cluster of our own");
        }

        if (await TryClusterAsync(last, ct))
        {
            return await DescribeAsync(options, folder, folder.Read()!, reused: false, ct);
        }

        throw new LocalPostgresException(
            $"no PostgreSQL with pgvector can be had here ({string.Join("; ", _reasons)}). What helps: " +
            $"macOS: brew install postgresql@17 pgvector; Debian 13, Ubuntu: sudo apt install postgresql-17-pgvector; Docker: start its engine; " +
            $"or name a server with {options.ConnectionStringName} 'Host=…;Database=…;Username=…;Password=…'");
    }

    /// <summary>What a running server of our own is, once its database exists and pgvector was seen to work.</summary>
    public static async Task<ProvidedPostgres> DescribeAsync(
        LocalPostgresOptions options, StateFolder folder, ServerState state, bool reused, CancellationToken ct)
    {
        var connectionString = ServerProbe.Own(state.Port, folder.Password(), options.Database);
        await ServerProbe.EnsureDatabaseAsync(connectionString, ct);
        var facts = await ServerProbe.ReadAsync(connectionString, ct);
        var where = state.Container is { } container
            ? $"the {state.Engine} container {container}"
            : state.Programs!.StartsWith(CacheOf(options) + Path.DirectorySeparatorChar, StringComparison.Ordinal)
                ? "a private copy of the distribution's packages"
                : $"a cluster of our own with this machine's programs in {state.Programs}";
        return facts.PgVector is { } pgVector
            ? new ProvidedPostgres(connectionString, $"PostgreSQL {facts.Server} from {where}, port {state.Port}", reused, facts.Server, pgVector)
            : throw new LocalPostgresException($"PostgreSQL {facts.Server} from {where} has lost its pgvector: install it again, or delete {folder.Root}");
    }

    /// <summary>The programs that the last run used, where they are still there.</summary>
    public static async Task<PostgresPrograms?> KnownProgramsAsync(LocalPostgresOptions options, ServerState state, CancellationToken ct)
    {
        if (state.Programs is null)
        {
            return null;
        }

        if (new PrivateCopy(CacheOf(options), static _ => { }).Cached().FirstOrDefault(copy => copy.Folder == state.Programs) is { } cached)
        {
            return cached;
        }

        var (found, _) = await PostgresPrograms.OfMachineAsync([state.Programs], ct);
        return found.Count > 0 ? found[0] : null;
    }

    private static string CacheOf(LocalPostgresOptions options) => Path.GetFullPath(options.Cache ?? LocalPostgresOptions.DefaultCache());

    private async Task<bool> TryContainerAsync(ServerState? last, CancellationToken ct)
    {
        if (!options.AllowContainer)
        {
            return Not("containers", "switched off");
        }

        var (engine, reason) = await ContainerEngine.FindAsync(ct);
        if (engine is null)
        {
            return Not("containers", reason!);
        }

        (var port, reason) = await new ContainerServer(engine, folder).StartAsync(options.Port, last, say, ct);
        return port is not null || Not("containers", reason!);
    }

    private async Task<bool> TryClusterAsync(ServerState? last, CancellationToken ct)
    {
        var user = await ServerUser.FindAsync(ct);
        if (user is null)
        {
            return Not("a cluster of our own", "PostgreSQL refuses to run as root, and there is no way to run it as postgres or nobody (setpriv, runuser)");
        }

        var majors = Cluster.MajorsOf(folder);
        var programs = await ChooseProgramsAsync(last, majors, ct);
        if (programs is null)
        {
            return false;
        }

        if (majors.Count > 0 && !majors.Contains(programs.Major))
        {
            say($"the data of earlier runs (PostgreSQL {string.Join(", ", majors)}) stays in {folder.Server}; PostgreSQL {programs.Major} begins with an empty cluster");
        }

        say($"starting PostgreSQL {programs.Major} with pgvector {programs.PgVector} from {programs.Where}" + (user.Name is { } name ? $" as the user {name}" : ""));
        await new Cluster(folder, programs, user).StartAsync(options.Port, last is { Container: null } ? last.Port : null, say, ct);
        return true;
    }

    private async Task<PostgresPrograms?> ChooseProgramsAsync(ServerState? last, IReadOnlyList<int> majors, CancellationToken ct)
    {
        if (last is not null && await KnownProgramsAsync(options, last, ct) is { } known)
        {
            return known;
        }

        // Data of a major version is read by that version only.
        PostgresPrograms? Best(IReadOnlyList<PostgresPrograms> found) =>
            found.FirstOrDefault(one => majors.Contains(one.Major)) ?? (found.Count > 0 ? found[0] : null);
        if (options.AllowMachinePrograms)
        {
            var (found, reason) = await PostgresPrograms.OfMachineAsync(await PostgresPrograms.UsualFoldersAsync(ct), ct);
            if (Best(found) is { } ofMachine)
            {
                return ofMachine;
            }

            Not("this machine's programs", reason!);
        }

        var copies = new PrivateCopy(CacheOf(options), say);
        if (Best(copies.Cached()) is { } cached)
        {
            return cached;
        }

        if (!options.AllowDownload)
        {
            Not("a private copy", "downloads are switched off");
            return null;
        }

        var os = File.Exists("/etc/os-release") ? OsRelease.Parse(await File.ReadAllTextAsync("/etc/os-release", ct)) : null;
        var (made, why) = await copies.MakeAsync(os, AptSources.Read("/etc/apt"), ct);
        if (made is null)
        {
            Not("a private copy", why!);
        }

        return made;
    }

    private bool Not(string way, string reason)
    {
        _reasons.Add($"{way}: {reason}");
        say($"not {way}: {reason}");
        return false;
    }
}
