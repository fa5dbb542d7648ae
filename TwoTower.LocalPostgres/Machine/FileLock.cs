namespace TwoTower.LocalPostgres.Machine;

/// <summary>One process at a time; the operating system lets go when the process ends, however it ends.</summary>
internal static class FileLock
{
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    public static async Task<FileStream> AcquireAsync(string path, Action<string> say, CancellationToken ct)
    {
        var told = false;
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException e) when (e.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation)
            {
                if (!told)
                {
                    say("another twotower process is setting up PostgreSQL; waiting for it");
                    told = true;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(100), ct);
            }
            catch (UnauthorizedAccessException)
            {
                throw new LocalPostgresException(
                    $"{path} belongs to another user: run twotower as the user who made it, or name another folder with TWOTOWER_HOME");
            }
        }
    }
}
