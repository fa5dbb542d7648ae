using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using TwoTower.Testing;

namespace TwoTower.EndToEnd.Tests;

/// <summary>A running <c>twotower serve</c>, and a client of it.</summary>
public sealed partial class ServerProcess : IAsyncDisposable
{
    private readonly HttpClient _client;

    private ServerProcess(TwotowerProcess process, Uri address)
    {
        Process = process;
        _client = new HttpClient { BaseAddress = address };
    }

    public TwotowerProcess Process { get; }

    public Uri Address => _client.BaseAddress!;

    /// <summary>Starts serving on a free port and waits until it says where.</summary>
    public static async Task<ServerProcess> StartAsync(Workplace workplace, params string[] args)
    {
        var process = workplace.Start(["serve", "--port", $"{FreePort.Next()}", .. args]);
        try
        {
            var line = await process.LineAsync(line => Address_().IsMatch(line));
            return new(process, new Uri(Address_().Match(line).Value));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public async Task<JsonElement> GetAsync(string path) => await _client.GetFromJsonAsync<JsonElement>(path);

    public Task<HttpResponseMessage> SendGetAsync(string path) => _client.GetAsync(path);

    public Task<HttpResponseMessage> PostAsync(string path, object body) => _client.PostAsJsonAsync(path, body);

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Process.DisposeAsync();
    }

    [GeneratedRegex(@"http://[\w.]+:\d+")]
    private static partial Regex Address_();
}
