namespace Crm.Domain.Leads;

/// <summary>Writes a note on the lead. The same words twice are two notes.</summary>
/// <param name="NoteId">The note's identifier, new.</param>
/// <param name="Text">The note.</param>
public sealed record AddNote(Guid NoteId, string Text) : ICommand<Lead, LeadEvent>
{
    /// <inheritdoc/>
    public Decision<LeadEvent> Decide(Lead lead) => lead switch
    {
        { IsErased: true } => LeadRefusals.Erased,
        { Status: LeadStatus.Missing } => LeadRefusals.NotFound,
        { IsArchived: true } => LeadRefusals.Archived,
        { Status: LeadStatus.New or LeadStatus.Contacted or LeadStatus.Qualified or LeadStatus.Converted or LeadStatus.Disqualified } =>
            new LeadNoteAdded(NoteId, Text),
    };
}
