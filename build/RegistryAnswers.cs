using System;
using System.Net.Http;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Fails in one line where the registry of an image doesn't answer. The SDK's own task ends with a stack trace of eighty lines then, with
/// the reason in the second.
/// </summary>
public class RegistryAnswers : Task
{
    /// <summary>The image, as ContainerBaseImage has it: registry/name:tag.</summary>
    [Required]
    public string Image { get; set; }

    public override bool Execute()
    {
        // Without a dot, a colon or "localhost" the first part is a name on Docker Hub, as Docker reads it.
        var first = Image.Split('/')[0];
        var isHost = Image.Contains("/") && (first.Contains(".") || first.Contains(":") || first == "localhost");
        var host = isHost ? first : "registry-1.docker.io";
        var reason = Ask("https://" + host);
        var isAnswered = reason == null || Ask("http://" + host) == null;
        if (!isAnswered)
        {
            Log.LogError(
                "the base image {0} can't be had, since its registry {1} doesn't answer ({2}): build where it does, or name a base image of another registry with -p:ContainerBaseImage=…",
                Image, host, reason);
        }

        return isAnswered;
    }

    // Null: it answers. Any answer will do: most registries ask who we are, and the SDK knows how to tell them, and which of them are
    // plain.
    private static string Ask(string address)
    {
        try
        {
            using (var client = new HttpClient { Timeout = TimeSpan.FromSeconds(30) })
            {
                client.GetAsync(address + "/v2/").GetAwaiter().GetResult().Dispose();
            }

            return null;
        }
        catch (Exception e) when (e is HttpRequestException || e is OperationCanceledException)
        {
            return e.InnerException == null ? e.Message : e.InnerException.Message;
        }
    }
}
