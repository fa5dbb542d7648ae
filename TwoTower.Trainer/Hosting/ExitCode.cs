namespace TwoTower.Trainer.Hosting;

/// <summary>What the trainer process tells whoever started it.</summary>
internal static class ExitCode
{
    /// <summary>A release was trained, or none was needed.</summary>
    public const int Trained = 0;

    /// <summary>Something broke; the log says what.</summary>
    public const int Failure = 1;

    /// <summary>Something given (configuration, recipe, database) cannot be used.</summary>
    public const int BadInput = 2;

    /// <summary>The tables hold nothing to learn from yet.</summary>
    public const int NothingToTrain = 3;

    /// <summary>Another training runs with the same checkpoint.</summary>
    public const int AlreadyTraining = 4;

    /// <summary>Stopped from outside (Ctrl-C, SIGTERM).</summary>
    public const int Cancelled = 130;
}
