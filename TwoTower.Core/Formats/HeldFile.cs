namespace TwoTower.Core.Formats;

/// <summary>Tells a file that another process holds from one that can't be opened (a full disk, a broken link).</summary>
internal static class HeldFile
{
    private const int LinuxWouldBlock = 11;
    private const int MacWouldBlock = 35;
    private const int WindowsSharingViolation = unchecked((int)0x80070020);

    /// <summary>Whether a file that was to be opened for this process alone is open elsewhere.</summary>
    public static bool IsHeld(IOException error) => error.HResult is LinuxWouldBlock or MacWouldBlock or WindowsSharingViolation;
}
