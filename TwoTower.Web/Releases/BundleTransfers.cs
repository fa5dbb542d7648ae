using Microsoft.Extensions.Options;
using Npgsql;
using TwoTower.Core;
using TwoTower.Core.Bundles;
using TwoTower.Embedding;
using TwoTower.Embedding.Settings;
using TwoTower.Embedding.Telemetry;
using TwoTower.Postgres.Gate;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Serving;
using TwoTower.Web.Requests;
using TwoTower.Web.Settings;

namespace TwoTower.Web.Releases;

/// <summary>Bundles that come and go over HTTP, two at a time in a process: each takes room among the temporary files, and
/// minutes.</summary>
/// <param name="db">Without a limit for statements: an index is built.</param>
/// <param name="gate">The gate's thresholds.</param>
/// <param name="turns">Says when an operator's time is over.</param>
/// <param name="time">For the manifest and for waits.</param>
/// <param name="lifetime">Ends an import; a client that leaves doesn't.</param>
internal sealed class BundleTransfers(
    [FromKeyedServices(BundleTransfers.Database)] NpgsqlDataSource db, IOptions<ApiOptions> options, IOptions<GateOptions> gate,
    OperatorTurns turns, TimeProvider time, IHostApplicationLifetime lifetime) : IDisposable
{
    /// <summary>Key of the data source.</summary>
    public const string Database = "operators";

    /// <summary>Bundles under way in a process.</summary>
    public const int AtOnce = 2;

    private readonly SemaphoreSlim _free = new(AtOnce);

    /// <summary>Begins one; null: there are two already.</summary>
    public BundleTransfer? TryBegin() => _free.Wait(TimeSpan.Zero)
        ? new(options.Value.BundleFolder is { Length: > 0 } folder ? folder : Path.GetTempPath(), End)
        : null;

    /// <summary>Writes a release into the transfer's folder.</summary>
    /// <exception cref="InputException">It can't be exported, or the folder can't be written.</exception>
    /// <exception cref="RequestShedException">It took longer than operators' requests may.</exception>
    public Task WriteAsync(BundleTransfer transfer, string modelVersion) => RunAsync(async ct =>
    {
        transfer.MakeRoom();
        await ReleaseExport.WriteAsync(db, modelVersion, transfer.Folder, time, ct: ct);
        return true;
    });

    /// <summary>Makes a verified bundle a release; sending the bundle again continues an import that was stopped.</summary>
    /// <exception cref="InputException">The release is refused, or failed its checks.</exception>
    /// <exception cref="RequestShedException">It took longer than operators' requests may.</exception>
    public Task<EmbedResult> ImportAsync(Bundle bundle, bool activate, string actor) => RunAsync(ct =>
        new ImportBundleJob(db, time).RunAsync(
            bundle, new EmbedOptions { Activate = activate, Actor = actor, Gate = gate.Value }, null, ct));

    // The process's end stops it, and the deadline; a client that hangs up doesn't.
    private async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> work)
    {
        using var deadline = turns.Deadline();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, lifetime.ApplicationStopping);
        try
        {
            return await work(stop.Token);
        }
        catch (OperationCanceledException e)
            when (deadline.IsCancellationRequested && !lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw new RequestShedException(Shed.OutOfTime, "The bundle took longer than TwoTower:Limits:OperatorDeadline.", e);
        }
    }

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
