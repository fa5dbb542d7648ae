namespace TwoTower.ServiceDefaults.Commands;

/// <summary>What a script learns from the exit code of <c>twotower</c> and of the trainer.</summary>
internal static class ExitCodes
{
    /// <summary>Done, or nothing was to be done.</summary>
    public const int Success = 0;

    /// <summary>Something failed that the caller's input did not cause; the log says what.</summary>
    public const int Failure = 1;

    /// <summary>
    /// The input (an argument, the configuration, a recipe, the database) cannot be used; one line on standard error names it.
    /// </summary>
    public const int BadInput = 2;

    /// <summary>The data holds nothing to train on.</summary>
    public const int NothingToTrain = 3;

    /// <summary>Another training runs with the same checkpoint.</summary>
    public const int AlreadyTraining = 4;

    /// <summary>Stopped by Ctrl-C. The trainer says so after SIGTERM, too.</summary>
    public const int Interrupted = 130;

    /// <summary>Stopped by SIGTERM.</summary>
    public const int Terminated = 143;
}
