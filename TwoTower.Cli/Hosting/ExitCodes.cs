namespace TwoTower.Cli.Hosting;

/// <summary>What a script learns from the exit code of <c>twotower</c>.</summary>
internal static class ExitCodes
{
    /// <summary>Done.</summary>
    public const int Success = 0;

    /// <summary>Something failed that the caller's input did not cause.</summary>
    public const int Failure = 1;

    /// <summary>The input cannot be used; one line on standard error names it.</summary>
    public const int BadInput = 2;

    /// <summary>The data holds nothing to train on.</summary>
    public const int NothingToTrain = 3;

    /// <summary>Another training runs with the same checkpoint.</summary>
    public const int AlreadyTraining = 4;

    /// <summary>Stopped by Ctrl-C.</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by SIGTERM.</summary>
    public const int Terminated = 143;
}
