using Microsoft.Extensions.Hosting;

namespace TwoTower.Cli.Telemetry;

/// <summary>Ctrl-C is this program's, not a host's: it has a line to say and an exit code.</summary>
internal sealed class NoSignals : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
