namespace TwoTower.Deployment;

/// <summary>What a platform with a scheduler is told about the training job.</summary>
internal static class Training
{
    /// <summary>Training takes minutes to hours; a job that hangs must not hold its place for ever.</summary>
    public const int LimitSeconds = 6 * 60 * 60;

    /// <summary>The job's arguments. Schedulers count every exit code but 0 as a failure, and having nothing to train on is none.</summary>
    public static readonly string[] Scheduled = ["--allow-nothing"];
}
