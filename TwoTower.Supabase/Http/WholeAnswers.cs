namespace TwoTower.Supabase.Http;

/// <summary>
/// Reads an answer to its end before it is handed on, so that one that breaks off in its body is tried again as any other. Bodies that are
/// read while they come are left to their readers.
/// </summary>
/// <param name="silence">How long nothing of a body may come.</param>
internal sealed class WholeAnswers(TimeSpan silence) : DelegatingHandler
{
    /// <summary>Set where the body of a success is read while it comes.</summary>
    public static readonly HttpRequestOptionsKey<bool> IsStreamed = new("twotower.streamed");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(request, cancellationToken);
        var isStreamed = request.Options.TryGetValue(IsStreamed, out var asked) && asked && response.IsSuccessStatusCode;
        if (isStreamed || request.Method == HttpMethod.Head) return response;
        try
        {
            using var content = new MemoryStream();
            var buffer = new byte[1 << 16];
            var body = await response.Content.ReadAsStreamAsync(cancellationToken);
            for (int read; (read = await Patience.ReadAsync(body, buffer, silence, cancellationToken)) > 0;) content.Write(buffer, 0, read);
            var whole = new ByteArrayContent(content.ToArray());
            foreach (var (name, values) in response.Content.Headers) whole.Headers.TryAddWithoutValidation(name, values);
            response.Content.Dispose();
            response.Content = whole;
            return response;
        }
        catch
        {
            response.Dispose();
            throw;
        }
    }
}
