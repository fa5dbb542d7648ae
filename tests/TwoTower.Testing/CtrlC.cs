using System.Runtime.InteropServices;

namespace TwoTower.Testing;

/// <summary>
/// A shell that starts a job in the background has it ignore Ctrl-C, and so do all processes that the job starts: a test run from such a
/// shell would wait in vain for its own to stop.
/// </summary>
internal static class CtrlC
{
    private const int Interrupt = 2;
    private const nint DefaultAction = 0, IgnoreAction = 1;

    /// <summary>From now on, processes that this one starts hear Ctrl-C.</summary>
    public static void Hear()
    {
        if (OperatingSystem.IsWindows()) return;
        var before = SetSignal(Interrupt, DefaultAction);
        if (before != IgnoreAction) SetSignal(Interrupt, before);
    }

    [DllImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint SetSignal(int signal, nint action);
}
