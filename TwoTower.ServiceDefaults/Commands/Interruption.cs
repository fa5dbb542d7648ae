using System.Runtime.InteropServices;

namespace TwoTower.ServiceDefaults.Commands;

/// <summary>
/// Ctrl-C and SIGTERM. The first asks the running stage to stop, and the process ends by itself once what it was writing is whole;
/// the second ends the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private readonly CancellationTokenSource _source = new();
    private readonly List<PosixSignalRegistration> _registrations = [];

    public Interruption()
    {
        Register(PosixSignal.SIGINT, ExitCodes.Interrupted);
        Register(PosixSignal.SIGTERM, ExitCodes.Terminated);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>The exit code of what came first: 130 for Ctrl-C, 143 for SIGTERM; 130 also before either.</summary>
    public int ExitCode { get; private set; } = ExitCodes.Interrupted;

    public void Dispose()
    {
        _registrations.ForEach(registration => registration.Dispose());
        _source.Dispose();
    }

    private void Register(PosixSignal signal, int exitCode) =>
        _registrations.Add(PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            if (_source.IsCancellationRequested)
            {
                Environment.Exit(exitCode);
            }

            ExitCode = exitCode;

            // Off the signal thread: what is registered on the token may take its time, and a second signal must still be heard.
            _ = _source.CancelAsync();
        }));
}
