using TwoTower.Core;
using TwoTower.Core.Formats;

namespace TwoTower.Training;

/// <summary>Another training writes the checkpoint that this one would write.</summary>
internal sealed class AlreadyTrainingException(string message) : Exception(message);

/// <summary>
/// A checkpoint has one writer: two would take each other's epochs for their own. The lock is the operating system's, on a file beside the
/// checkpoint; it goes with the process, however that ends. The file stays: who removed it could leave two processes with a lock each.
/// </summary>
internal static class CheckpointLock
{
    /// <summary>Takes the lock.</summary>
    /// <exception cref="AlreadyTrainingException">Somebody holds it.</exception>
    /// <exception cref="InputException">Nothing can be written there, which is better known before hours of training.</exception>
    public static FileStream Take(string checkpoint)
    {
        var path = Path.GetFullPath(checkpoint);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return new(path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);
        }
        catch (IOException e) when (HeldFile.IsHeld(e))
        {
            throw new AlreadyTrainingException(
                $"another training runs with the checkpoint {path}: wait for its end or stop it, or give this one a checkpoint of its own "
                + "(--checkpoint FILE, or TwoTower:Trainer:Checkpoint).");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InputException(
                $"{path} can't be written: {e.Message} Name another place with TWOTOWER_HOME, --checkpoint FILE or TwoTower:Trainer:Checkpoint.", e);
        }
    }
}
