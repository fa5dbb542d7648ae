using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Releases;

/// <summary>Bundles that come and go over HTTP, two at a time in a process: each takes room among the temporary files, and
/// minutes.</summary>
/// <param name="db">Without a limit for statements: an index is built.</param>
/// <param name="gate">The gate's thresholds.</param>
/// <param name="time">For the manifest and for waits.</param>
/// <param name="lifetime">Ends an import; a client that leaves doesn't.</param>
internal sealed class BundleTransfers(
    [FromKeyedServices(BundleTransfers.Database)] NpgsqlDataSource db, IOptions<ApiOptions> options, IOptions<GateOptions> gate,
    TimeProvider time, IHostApplicationLifetime lifetime) : IDisposable
{
    /// <summary>Key of the data source.</summary>
    public const string Database = "operators";

    private const int AtOnce = 2;

    private readonly SemaphoreSlim _free = new(AtOnce);

    /// <summary>Begins one; null: there are two already.</summary>
    public BundleTransfer? TryBegin() => _free.Wait(TimeSpan.Zero)
        ? new(options.Value.BundleFolder is { Length: > 0 } folder ? folder : Path.GetTempPath(), End)
        : null;

    /// <summary>Writes a release into the transfer's folder.</summary>
    /// <exception cref="InputException">It can't be exported, or the folder can't be written.</exception>
    public Task WriteAsync(BundleTransfer transfer, string modelVersion, CancellationToken ct)
    {
        transfer.MakeRoom();
        return ReleaseExport.WriteAsync(db, modelVersion, transfer.Folder, time, ct: ct);
    }

    /// <summary>Makes a verified bundle a release. Only the process's end stops it; sending the bundle again continues the
    /// import.</summary>
    /// <exception cref="InputException">The release is refused, or failed its checks.</exception>
    public Task<EmbedResult> ImportAsync(Bundle bundle, bool activate, string actor) => new ImportBundleJob(db, time).RunAsync(
        bundle, new EmbedOptions { Activate = activate, Actor = actor, Gate = gate.Value }, null, lifetime.ApplicationStopping);

    /// <inheritdoc/>
    public void Dispose() => _free.Dispose();

    // A bundle takes buffers of a hundred megabytes, which the collector would keep for the next one; requests need few, and there may be
    // no next one. Beside the request that ends here: its own buffers are free by then.
    private void End()
    {
        if (_free.Release() + 1 == AtOnce) _ =
            Task.Run(() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true));
    }
}

/// <summary>One bundle under way, and its folder, which goes with it.</summary>
internal sealed class BundleTransfer(string root, Action done) : IDisposable
{
    private readonly string _parent = Path.Combine(root, $"twotower-bundle-{Guid.NewGuid():N}");

    /// <summary>The bundle's folder.</summary>
    public string Folder => Path.Combine(_parent, "bundle");

    /// <summary>Makes the folder's place, for nobody else to read.</summary>
    public void MakeRoom()
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(_parent);
        else Directory.CreateDirectory(_parent, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Receives and verifies a bundle.</summary>
    /// <exception cref="InputException">What is wrong with it.</exception>
    public async Task<Bundle> ReceiveAsync(Stream archive, CancellationToken ct)
    {
        try
        {
            MakeRoom();
            Directory.CreateDirectory(Folder);
            await BundleArchive.ReadAsync(archive, Folder, ct);
            return await BundleReader.ReadAsync(Folder, ct);
        }
        catch (InputException e)
        {
            throw new InputException(Explain(e), e);
        }
    }

    /// <summary>What went wrong, for somebody who knows nothing of this folder.</summary>
    public string Explain(Exception e) => e.Message
        .Replace($"bundle {Folder}", "the bundle", StringComparison.Ordinal)
        .Replace(Folder + Path.DirectorySeparatorChar, "", StringComparison.Ordinal)
        .Replace(Folder, "The bundle", StringComparison.Ordinal);

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(_parent)) Directory.Delete(_parent, recursive: true);
        done();
    }
}
