namespace TwoTower.Supabase.Http;

/// <summary>Another server fails, or doesn't answer as it should, and repeating didn't help. The message is one line for a
/// person.</summary>
internal sealed class RemoteException : Exception
{
    public RemoteException(string message) : base(message) { }

    public RemoteException(string message, Exception inner) : base(message, inner) { }
}
