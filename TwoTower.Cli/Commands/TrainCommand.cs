using System.CommandLine;
using TwoTower.Cli.Hosting;
using TwoTower.Cli.Stages;
using TwoTower.Core.Configuration;
using TwoTower.Training;

namespace TwoTower.Cli.Commands;

/// <summary><c>twotower train</c>: rows → samples → training → checkpoint → release.</summary>
internal static class TrainCommand
{
    private static readonly Option<bool> Fresh = new("--fresh") { Description = "Start over, also where a stopped training left a checkpoint." };
    private static readonly Option<bool> Resume = new("--resume") { Description = "Go on from the checkpoint, also of a finished training with more --epochs, and fail where that can't be." };

    private static readonly Option<string?> CheckpointPath = new("--checkpoint")
    {
        Description = "The checkpoint's file; one for each database in TWOTOWER_HOME when left out.",
        HelpName = "FILE",
    };

    public static Command Create(CommandHost host)
    {
        var command = new Verb(
            "train", "Train on the database's decisions and register the result as a release.",
            """
            The recipe says how (docs/recipes.md). Ctrl-C keeps the epochs done so far: the same command goes on from there and ends like
            a training that was never stopped. A checkpoint of other settings or data is named and not resumed.
            The new release is served once it is embedded and activated.
            Exit code 3: nothing to train on (no decisions, only likes or only nopes with no negatives, no videos). Exit code 4: another
            training runs with the same checkpoint.

            Examples:
              twotower train
              twotower train --recipe v2 --epochs 10 --seed 7
              twotower train --set model.embedding_dim=128 --set training.batch_size=1024
            """)
        {
            CommonOptions.Database, CommonOptions.Wait, CommonOptions.Recipe, CommonOptions.Set, CommonOptions.Epochs, CommonOptions.Seed,
            CommonOptions.Device, CommonOptions.Threads, Resume, Fresh, CheckpointPath,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Resume) && result.GetValue(Fresh))
            {
                result.AddError("--resume and --fresh say the opposite: give one of them");
            }
        });
        host.Handle(command, async session =>
        {
            var parse = session.Parse;
            var recipe =
                RecipeReader.Read(
                    parse.GetValue(CommonOptions.Recipe)!, CommonOptions.Overrides(parse), Environment.GetEnvironmentVariables(),
                    session.Terminal.Say);
            var provided = await session.ProvideMigratedAsync();
            var db = session.Open(provided);
            var checkpoint = parse.GetValue(CheckpointPath)
                ?? Path.Combine(await CheckpointFolder.OfAsync(db, session.Stop), CheckpointFolder.FileName);
            var resume = parse.GetValue(Fresh) ? Resumption.Never : parse.GetValue(Resume) ? Resumption.Required : Resumption.IfInterrupted;
            var trained = await TrainingStage.RunAsync(session, db, recipe, checkpoint, resume);
            session.Terminal.Result(trained, () => session.Terminal.Say($"release {trained.ModelVersion}: 'twotower embed --activate' serves it"));
        });
        return command;
    }
}
