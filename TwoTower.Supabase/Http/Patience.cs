namespace TwoTower.Supabase.Http;

/// <summary>How long another server is waited for.</summary>
/// <param name="Connect">For a connection.</param>
/// <param name="Answer">For one try of a request, its body included unless that is read while it comes.</param>
/// <param name="Silence">For the next bytes of a body.</param>
internal sealed record Patience(TimeSpan Connect, TimeSpan Answer, TimeSpan Silence)
{
    /// <summary>15 seconds, 10 minutes, a minute.</summary>
    public static readonly Patience Usual = new(TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1));

    /// <summary>Reads the next bytes; 0 at the end.</summary>
    /// <param name="silence">How long nothing may come.</param>
    /// <exception cref="IOException">The connection broke, or nothing came.</exception>
    public static async ValueTask<int> ReadAsync(Stream stream, Memory<byte> buffer, TimeSpan silence, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(silence);
        try
        {
            return await stream.ReadAsync(buffer, patience.Token);
        }
        catch (OperationCanceledException error) when (!ct.IsCancellationRequested)
        {
            throw new IOException($"nothing came for {silence.TotalSeconds:0.#} s", error);
        }
    }
}
